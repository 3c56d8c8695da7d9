// Measures what a look at Redis costs the coordinator, with and without a listing of the queue, as the number of waiting attempts grows.
//
//   node bench/coordinator/queue-listing.ts
//
// Prints the CPU time of the coordinator's process for each look; the loop looks once a second.
// Measured on two cores, with the mean of a second before and since a long queue is listed less often (liveness.ts):
//
//   waiting    with the queue   beside it   mean before   mean since
//   1,000      2.6 ms           0.18 ms     2.6 ms        2.6 ms
//   10,000     10.2 ms          0.29 ms     10.2 ms       1.3 ms
//   50,000     41.2 ms          0.21 ms     41.2 ms       1.0 ms

import { redisPools } from '../../coordinator/redis/pools.ts';
import type { AttemptRequest } from '../../shared/domain/attempt.ts';
import { attemptId, runId, shardId, testFile } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { startServer } from '../../test/support/redis.ts';
import { opened } from '../../test/unit/core/run-kit.ts';

const LOOKS = 20;

const requestOf = (index: number): AttemptRequest => ({
  id: attemptId(shardId(index), 1),
  shard: shardId(index),
  fence: 1,
  role: 'primary',
  selectors: [{ kind: 'file', file: testFile(`tests/test_${index}.py`) }],
  predictedSeconds: 1,
  avoid: [],
});

async function cpuMsOf(look: () => Promise<unknown>): Promise<number> {
  for (let warmUp = 0; warmUp < 5; warmUp += 1) await look();
  const before = process.cpuUsage();
  for (let count = 0; count < LOOKS; count += 1) await look();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / LOOKS;
}

await using server = await startServer();
const redis = await connect(server.url, 'bench');
for (const waiting of [1000, 10_000, 50_000]) {
  const channel = await redisPools(redis).openRun({ ...opened([]).spec, runId: runId(`r${waiting}`) });
  await channel.enqueue(Array.from({ length: waiting }, (_, index) => requestOf(index + 1)));
  const listingMs = await cpuMsOf(() => channel.presence());
  const besideMs = await cpuMsOf(() => channel.presenceBesideQueue());
  console.log(`${waiting} waiting: ${listingMs.toFixed(2)} ms with the queue, ${besideMs.toFixed(2)} ms beside it`);
  await channel.close();
}
redis.disconnect();
