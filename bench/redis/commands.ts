// Counts the Redis commands and connections of a fleet: of an idle agent, of a run, and of each test. Hosted Redis bills commands.
//
//   node bench/redis/commands.ts [tests]
//
// Measured on two cores:
//
//   an idle agent                              67 to 72 a minute, in the first minute; 190 before it waited longer for runs
//   a run of 1,000 tests of 10 ms, 2 agents    1,390 to 1,490, and 1,847 while the machine had other load; 1,900 to 2,040 with an append every 20 ms
//   a run in which nothing happens, 2 agents   1,284 to 1,512 a minute
//
// Commands inside scripts and transactions are not counted, because clients do not send them.

import type { Redis } from 'ioredis';
import { connect } from '../../shared/redis/connect.ts';
import { eventually } from '../../test/support/eventually.ts';
import { startTcpServer } from '../../test/support/redis.ts';
import { newProject } from '../../test/support/shardline.ts';

const IDLE_SECONDS = 30;
const SLOW_SECONDS = 15;
const TESTS_PER_FILE = 10;
const tests = Number(process.argv[2] ?? 1000);

type Counts = ReadonlyMap<string, number>;

/** What clients have sent: `total_commands_processed` counts the commands inside scripts too, so MONITOR counts. */
async function countSent(redis: Redis, during: () => Promise<void>): Promise<Counts> {
  const counts = new Map<string, number>();
  const monitor = await redis.monitor();
  monitor.on('monitor', (_time: string, args: readonly string[], source: string) => {
    const name = (args[0] ?? '').toLowerCase();
    if (source !== 'lua' && !['info', 'config', 'monitor'].includes(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
  });
  await during();
  monitor.disconnect();
  return counts;
}

const sumOf = (counts: Counts): number => [...counts.values()].reduce((sum, count) => sum + count, 0);
const listOf = (counts: Counts, perWhat: (count: number) => number): string =>
  [...counts]
    .sort(([, left], [, right]) => right - left)
    .slice(0, 12)
    .map(([name, count]) => `${name} ${perWhat(count).toFixed(1)}`)
    .join(', ');

/** The connections of all but this bench. */
async function connections(redis: Redis): Promise<number> {
  const list = String(await redis.client('LIST'));
  return list.split('\n').filter((line) => line !== '' && !line.includes('name=bench')).length;
}

await using server = await startTcpServer();
const redis = await connect(server.url, 'bench');
const body = Array.from({ length: TESTS_PER_FILE }, (_, index) => `def test_${index}():\n    time.sleep(0.01)\n`).join('\n');
const files = Array.from({ length: tests / TESTS_PER_FILE }, (_, index) => [`test_${index}.py`, `import time\n${body}`] as const);
await using project = await newProject(Object.fromEntries(files));
const settings = { SHARDLINE_REDIS_URL: server.url };
const agents = ['one', 'two'].map((name) => project.shardline(['agent', '--name', name, '-n', '2'], settings));
await eventually('both agents wait', async () => (await redis.zcard('{sl:pool:default}:agents')) === 2);
const idle = await countSent(redis, () => new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1000)));
const idleConnections = (await connections(redis)) / agents.length;
const perMinute = (count: number): number => ((count / agents.length) * 60) / IDLE_SECONDS;
console.log(
  `idle agent: ${perMinute(sumOf(idle)).toFixed(0)} commands a minute (${listOf(idle, perMinute)}), ${idleConnections} connections`,
);

for (const round of ['first', 'second']) {
  let most = 0;
  let seconds = 0;
  const sent = await countSent(redis, async () => {
    const begunAt = performance.now();
    const run = project.shardline(['run', '--out', `out-${round}`], settings);
    const looking = setInterval(() => void connections(redis).then((count) => (most = Math.max(most, count))), 200);
    const { exitCode, all } = await run;
    clearInterval(looking);
    seconds = (performance.now() - begunAt) / 1000;
    if (exitCode !== 0) throw new Error(all);
  });
  const total = sumOf(sent);
  console.log(
    `${round} run of ${tests} tests, 2 agents of 2 workers, ${seconds.toFixed(1)} s: ${total} commands, ${(total / tests).toFixed(2)} a test (${listOf(sent, (count) => count)}), at most ${most} connections`,
  );
}
// Two slow tests: what the beats of a run cost while nothing happens.
await using slow = await newProject({
  'test_a.py': `import time\ndef test_a(): time.sleep(${SLOW_SECONDS})\n`,
  'test_b.py': `import time\ndef test_b(): time.sleep(${SLOW_SECONDS})\n`,
});
const slowAgents = ['three', 'four'].map((name) => slow.shardline(['agent', '--pool', 'slow', '--name', name, '-n', '1'], settings));
for (const agent of agents) agent.kill('SIGTERM');
await Promise.all(agents);
await eventually('both agents wait', async () => (await redis.zcard('{sl:pool:slow}:agents')) === 2);
const running = slow.shardline(['run', '--pool', 'slow', '--out', 'out'], settings);
await eventually('both tests run', async () => (await redis.keys('{sl:run:*}:shards:*:lock')).length === 2);
const waiting = await countSent(redis, () => new Promise((resolve) => setTimeout(resolve, 10_000)));
console.log(`run in which nothing happens: ${sumOf(waiting) * 6} commands a minute (${listOf(waiting, (count) => count * 6)})`);
await running;
for (const agent of slowAgents) agent.kill('SIGTERM');
await Promise.all(slowAgents);
redis.disconnect();
