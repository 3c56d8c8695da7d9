// The contract of a run log, over the file and over every supported server; and what only the log in Redis promises.

import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OwnEvent } from '../../coordinator/core/state/events.ts';
import type { RunChannel, RunLog, SharedLog } from '../../coordinator/ports.ts';
import { openFileLog } from '../../coordinator/record/file-log.ts';
import { createRecorder } from '../../coordinator/record/recorder.ts';
import { replayLog } from '../../coordinator/record/replay-log.ts';
import { redisPools } from '../../coordinator/redis/pools.ts';
import { runId } from '../../shared/domain/ids.ts';
import type { RunSpec } from '../../shared/domain/run-spec.ts';
import { connect } from '../../shared/redis/connect.ts';
import { runKeys } from '../../shared/redis/keys.ts';
import { encodeEvents } from '../../shared/wire/events.ts';
import type { LogRecord, StoredBatch } from '../../shared/wire/run-log.ts';
import { addressOf } from '../../shared/wire/run-spec.ts';
import { signerOf, verifierOf } from '../../shared/wire/signature.ts';
import { collect } from '../support/recorded-events.ts';
import { servers, startServer } from '../support/redis.ts';
import { a1, joined, opened, shardOf } from '../unit/core/run-kit.ts';

let runs = 0;
const newSpec = (): RunSpec => {
  runs += 1;
  return { ...opened([]).spec, runId: runId(`r${runs}`), pool: `p${runs}` };
};
const tick = (at: number): OwnEvent => ({ kind: 'tick', at });

/** A log to test, and how a batch comes to where the log finds it. */
interface OpenLog extends AsyncDisposable {
  readonly log: RunLog;
  store(text: string): Promise<StoredBatch>;
}

interface Backend extends AsyncDisposable {
  open(spec: RunSpec): Promise<OpenLog>;
}

async function fileBackend(): Promise<Backend> {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-test-log-'));
  return {
    async open({ runId: id }) {
      const log = openFileLog(join(directory, `${id}.ndjson`));
      let stored = 0;
      return {
        log,
        async store(text) {
          stored += 1;
          return { position: `${stored}-0`, text };
        },
        [Symbol.asyncDispose]: () => log.close(),
      };
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

const storeIn = async (redis: Redis, { runId: id }: RunSpec, text: string): Promise<StoredBatch> => {
  const position = await redis.xadd(runKeys(id).events, '*', 'agent', 'a1', 'batch', text);
  return { position: position ?? '', text };
};

/** The coordinator of the run was silent until its lease had expired. */
const loseLease = (redis: Redis, { runId: id }: RunSpec): Promise<number> => redis.hdel(runKeys(id).coordinator, 'holder');

function logOf(channel: RunChannel): SharedLog {
  if (channel.log === null) throw new Error('the run has no log in Redis');
  return channel.log;
}

async function redisBackend(redisBin: string | null): Promise<Backend> {
  const server = await startServer(redisBin);
  const redis = await connect(server.url, 'coordinator');
  return {
    async open(spec) {
      const channel = await redisPools(redis).openRun(spec);
      return {
        log: logOf(channel),
        store: (text) => storeIn(redis, spec, text),
        [Symbol.asyncDispose]: () => channel.close(),
      };
    },
    async [Symbol.asyncDispose]() {
      redis.disconnect();
      await server[Symbol.asyncDispose]();
    },
  };
}

function recordsOf(spec: RunSpec, events: readonly OwnEvent[], from = 0, epoch = 1): readonly LogRecord[] {
  const recorder = createRecorder({ append: async () => undefined }, { address: addressOf(spec), epoch, seq: from });
  for (const event of events) recorder.add(event);
  return recorder.flush();
}
const openingOf = (spec: RunSpec): OwnEvent => ({ ...opened([shardOf(1, ['test_a.py'])]), spec });
const read = (log: RunLog): Promise<readonly LogRecord[]> => collect(log.read());

describe.each([['a file', fileBackend] as const, ...servers.map(([name, redisBin]) => [name, () => redisBackend(redisBin)] as const)])(
  'a run log in %s',
  (_, start) => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await start();
    });
    afterAll(async () => {
      await backend[Symbol.asyncDispose]();
    });

    test('yields nothing before the first record', async () => {
      await using opening = await backend.open(newSpec());
      expect(await read(opening.log)).toEqual([]);
    });

    test('yields every record of every write, in order and byte for byte', async () => {
      const spec = newSpec();
      await using opening = await backend.open(spec);
      const { log } = opening;
      const long: OwnEvent = { kind: 'interrupt-requested', at: 1, by: 'ü"\\\n'.repeat(100_000) };
      const records = recordsOf(spec, [openingOf(spec), ...Array.from({ length: 1200 }, (__, at) => tick(at)), long, tick(9)]);
      await log.append(records.slice(0, 1));
      await log.append(records.slice(1, 1190));
      await log.append([]);
      await log.append(records.slice(1190));
      expect(await read(log)).toEqual(records);
      expect(log.isOurs()).toBe(true);
    });

    test('yields the batch of an agent exactly as it was sent, and replays it', async () => {
      const spec = newSpec();
      await using opening = await backend.open(spec);
      const { log, store } = opening;
      // Another encoder than ours may have written it.
      const sent = encodeEvents([joined(a1)], { ...addressOf(spec), sender: a1, seq: 1, epoch: 0 });
      const batch = await store(sent.replace('{"version"', '{ "version"'));
      const [first, second] = recordsOf(spec, [
        openingOf(spec),
        { kind: 'stream-read', at: 3, position: batch.position, aheadMs: 400 },
      ]) as [LogRecord, LogRecord];
      const records = [first, { ...second, batch }];
      await log.append(records);
      expect(await read(log)).toEqual(records);
      const replayed = await replayLog(log.read(), 'the log');
      expect(replayed).toMatchObject({ seq: 2, position: batch.position });
      expect(replayed?.state.agents.get(a1)?.info).toMatchObject({ id: 'a1' });
    });
  },
);

describe.each(servers)('the run log in %s', (_, redisBin) => {
  let server: Awaited<ReturnType<typeof startServer>>;
  let redis: Redis;
  beforeAll(async () => {
    server = await startServer(redisBin);
    redis = await connect(server.url, 'coordinator');
  });
  afterAll(async () => {
    redis.disconnect();
    await server[Symbol.asyncDispose]();
  });

  test('appends a repeated write once', async () => {
    const spec = newSpec();
    const channel = await redisPools(redis).openRun(spec);
    const records = recordsOf(spec, [openingOf(spec), tick(1), tick(2)]);
    await logOf(channel).append(records);
    await logOf(channel).append(records.slice(1));
    expect(await read(logOf(channel))).toEqual(records);
    expect(await logOf(channel).last()).toEqual({ seq: 3, own: records[2]?.own });
    expect(await redis.ttl(runKeys(spec.runId).log)).toBeGreaterThan(0);
    await channel.close();
  });

  test('takes nothing from a coordinator that was deposed, and goes on with the records of the next one', async () => {
    const spec = newSpec();
    const former = await redisPools(redis).openRun(spec);
    const records = recordsOf(spec, [openingOf(spec), tick(1)]);
    await logOf(former).append(records);
    let found = -1;
    await loseLease(redis, spec);
    const next = await redisPools(redis).openRun(spec, {
      async earlier(log) {
        found = (await log?.last())?.seq ?? 0;
        return { attempts: [], keys: new Map() };
      },
    });
    expect(found).toBe(2);
    const late = recordsOf(spec, [tick(2)], 2);
    await expect(logOf(former).append(late)).rejects.toMatchObject({ code: 'taken-over' });
    const own = recordsOf(spec, [{ kind: 'run-resumed', at: 3 }], 2, 2);
    await logOf(next).append(own);
    expect(await read(logOf(next))).toEqual([...records, ...own]);
    await next.close();
  });

  test('gives the next coordinator the keys of its agents, so that none speaks for another one', async () => {
    const spec = newSpec();
    const [own, other] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
    const keys = [own, other].map(({ publicKey }) => ({ key: publicKey, uses: ['agent'] }) as const);
    const verifier = verifierOf({ keys, mode: 'require', onDoubt: () => undefined, now: Date.now });
    const sent = (seq: number, { privateKey }: typeof own): string =>
      encodeEvents([joined(a1)], { ...addressOf(spec), sender: a1, seq, epoch: 0 }, signerOf(privateKey));
    const former = await redisPools(redis, { verifier }).openRun(spec);
    const batch = await storeIn(redis, spec, sent(1, own));
    const { position } = batch;
    const stored = recordsOf(spec, [openingOf(spec), { kind: 'stream-read', at: 3, position, aheadMs: 0, from: { agent: a1, seq: 1 } }]);
    await logOf(former).append(stored.map((record, at) => ({ ...record, batch: at === 0 ? null : batch })));
    await loseLease(redis, spec);
    await storeIn(redis, spec, sent(2, other));
    await storeIn(redis, spec, sent(2, own));
    const next = await redisPools(redis, { verifier }).openRun(spec, {
      async earlier(log) {
        const replayed = await replayLog(log?.read() ?? [], 'the log');
        return { attempts: [], keys: replayed?.keys ?? new Map() };
      },
    });
    const over = new AbortController();
    const found: unknown[] = [];
    for await (const entries of next.events(position, over.signal)) {
      found.push(...entries);
      if (found.length >= 2) over.abort();
    }
    expect(found).toMatchObject([
      { kind: 'unreadable', agent: a1, why: 'not-trusted', problem: expect.stringContaining('key') },
      { kind: 'events', from: { agent: a1, seq: 2 } },
    ]);
    await next.close();
  });

  test.each([
    ['a record is missing', [3]],
    ['another coordinator has recorded more than is known', [1]],
  ])('is deleted when %s, so that nobody resumes from half a log', async (__, [from = 0]) => {
    const spec = newSpec();
    const former = await redisPools(redis).openRun(spec);
    await logOf(former).append(recordsOf(spec, [openingOf(spec), tick(1)]));
    await loseLease(redis, spec);
    const next = await redisPools(redis).openRun(spec);
    await logOf(next).append(recordsOf(spec, [tick(2)], from, 2));
    await logOf(next).append(recordsOf(spec, [tick(3)], from + 1, 2));
    expect(await read(logOf(next))).toEqual([]);
    await next.close();
  });

  test('begins with the opening of a run only, and ends when Redis loses the run', async () => {
    const spec = newSpec();
    const channel = await redisPools(redis).openRun(spec);
    await logOf(channel).append(recordsOf(spec, [openingOf(spec), tick(1)], 7));
    expect(await logOf(channel).last()).toMatchObject({ seq: 9 });
    for (const key of await redis.keys(`*${spec.runId}}*`)) await redis.unlink(key);
    await channel.announce();
    await logOf(channel).append(recordsOf(spec, [tick(2)], 9));
    await logOf(channel).append(recordsOf(spec, [tick(3)], 10));
    expect(await read(logOf(channel))).toEqual([]);
    await channel.close();
  });

  test('is refused when Redis has lost a batch that it refers to', async () => {
    const spec = newSpec();
    const channel = await redisPools(redis).openRun(spec);
    const batch = await storeIn(redis, spec, 'a batch');
    const records = recordsOf(spec, [openingOf(spec), { kind: 'stream-read', at: 3, position: batch.position, aheadMs: 0 }]);
    await logOf(channel).append(records.map((record, at) => ({ ...record, batch: at === 0 ? null : batch })));
    await redis.xdel(runKeys(spec.runId).events, batch.position);
    await expect(read(logOf(channel))).rejects.toMatchObject({ code: 'bad-message' });
    await channel.close();
  });

  test('is deleted with its run, and stores nothing afterwards', async () => {
    const spec = newSpec();
    const channel = await redisPools(redis).openRun(spec);
    const log = logOf(channel);
    await log.append(recordsOf(spec, [openingOf(spec)]));
    await channel.close();
    await log.append(recordsOf(spec, [tick(2)], 1));
    expect(await redis.exists(runKeys(spec.runId).log)).toBe(0);
  });

  test('is kept only for a Redis that outlives its coordinator', async () => {
    const channel = await redisPools(redis, { keepsLog: false }).openRun(newSpec());
    expect(channel.log).toBeNull();
    await channel.close();
  });
});
