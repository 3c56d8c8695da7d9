// The contract between the coordinator's and the agent's side of a run, over every supported server and over the model.

import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test as vitestTest } from 'vitest';
import type { PoolMember } from '../../agent/ports.ts';
import { redisPoolMember } from '../../agent/redis/pool-member.ts';
import type { Pools, Presence, RunChannel, StreamedEvents, UnreadableEntry } from '../../coordinator/ports.ts';
import type { EmbeddedRedis } from '../../coordinator/redis/embedded-server.ts';
import { redisPools } from '../../coordinator/redis/pools.ts';
import { redisTimingStore } from '../../coordinator/redis/timing-store.ts';
import type { AttemptRequest } from '../../shared/domain/attempt.ts';
import type { ControlCommand } from '../../shared/domain/control.ts';
import { COVERAGE_LIMITS } from '../../shared/domain/coverage.ts';
import type { RunEvent } from '../../shared/domain/events.ts';
import { agentId, attemptId, nodeId, runId, shardId, testFile } from '../../shared/domain/ids.ts';
import type { RunSpec } from '../../shared/domain/run-spec.ts';
import { connect } from '../../shared/redis/connect.ts';
import { runKeys } from '../../shared/redis/keys.ts';
import { NO_VERIFIER } from '../../shared/wire/signature.ts';
import { eventually } from '../support/eventually.ts';
import { servers, startServer } from '../support/redis.ts';
import { type Backend, backends } from './backends.ts';

const never = new AbortController().signal;
let runs = 0;

/** The servers are tested at once, because the tests mostly wait for them; the tests of a server run in turn, because they break its connections. */
const AT_ONCE = { concurrent: true };
const test = (title: string, body: () => Promise<void>): void => vitestTest(title, { concurrent: false }, body);

const newSpec = (): RunSpec => {
  runs += 1;
  return {
    runId: runId(`r${runs}`),
    pool: `p${runs}`,
    collect: 'file',
    pytestArgs: ['tests'],
    cache: null,
    harmless: [],
    serialMarker: 'serial',
    stopsItself: true,
    testTimeoutSeconds: null,
    relay: 'auto',
    fingerprintPolicy: 'strict',
    files: null,
    maxWorkerBytes: 0,
    maxWorkerFiles: 0,
    maxfail: 0,
    openedAt: runs,
    priority: 0,
    drain: null,
  };
};
const request = (index: number, fence = 1): AttemptRequest => ({
  id: attemptId(shardId(index), fence),
  shard: shardId(index),
  fence,
  role: fence === 1 ? 'primary' : 'retry',
  selectors: [{ kind: 'file', file: testFile(`tests/test_${index}.py`) }],
  predictedSeconds: index,
  avoid: [],
});
const here = async (channel: RunChannel): Promise<Extract<Presence, { kind: 'here' }>> => {
  const presence = await channel.presence();
  if (presence.kind !== 'here') throw new Error(`the run is ${presence.kind}`);
  return presence;
};
const started = (index: number): RunEvent => ({
  kind: 'attempt-started',
  at: index,
  agent: agentId('a1'),
  attempt: attemptId(shardId(index), 1),
  shard: shardId(index),
  fence: 1,
  role: 'primary',
});
const eventsIn = (entry: StreamedEvents | UnreadableEntry) => (entry.kind === 'events' ? entry.events : []);
const receive = async (channel: RunChannel, count: number): Promise<RunEvent[]> => {
  const over = new AbortController();
  const received: RunEvent[] = [];
  for await (const batch of channel.events('0', over.signal)) {
    received.push(...batch.flatMap(eventsIn));
    if (received.length >= count) over.abort();
  }
  return received;
};

describe.each(backends)('a run over %s', AT_ONCE, (_, start) => {
  let backend: Backend;
  let pools: Pools;
  beforeAll(async () => {
    backend = await start();
    pools = backend.pools;
  });
  afterAll(async () => {
    await backend[Symbol.asyncDispose]();
  });
  const member = (spec: RunSpec, name = 'a1'): Promise<PoolMember & AsyncDisposable> => backend.member(spec, name);

  test('a run wakes a waiting agent, a late agent finds it, and no agent gets it twice', async () => {
    const spec = newSpec();
    await using early = await member(spec, 'early');
    const waiting = early.nextRun(never);
    await eventually('the pool knows the agent', async () => (await pools.aliveAgents(spec.pool)).includes(agentId('early')));
    const channel = await pools.openRun(spec);
    expect(await waiting).toEqual(spec);
    await using late = await member(spec, 'late');
    expect(await late.nextRun(never)).toEqual(spec);
    const run = await late.join(spec);
    const leaving = new AbortController();
    const next = late.nextRun(leaving.signal);
    leaving.abort();
    expect(await next).toBeNull();
    await run.leave();
    await channel.close();
  });

  test('knows how many agents of the pool do not serve the run', async () => {
    const spec = newSpec();
    const channel = await pools.openRun(spec);
    expect(await channel.absences(new Set())).toEqual([]);
    await using _ = await member(spec, 'aside');
    await eventually('the pool has the agent', async () => (await channel.absences(new Set())).length > 0);
    expect(await channel.absences(new Set())).toEqual([{ why: 'silent', agents: 1, example: 'aside' }]);
    expect(await channel.absences(new Set([agentId('aside')]))).toEqual([]);
    await channel.close();
  });

  test('gives attempts of a lane only to agents with its labels, and others to every agent', async () => {
    const spec = newSpec();
    const channel = await pools.openRun(spec);
    const lane = ['big', 'gpu'];
    await using plain = await member(spec, 'plain');
    await using labelled = await backend.member(spec, 'labelled', lane);
    const got: string[] = [];
    const leaving = new AbortController();
    const pulls = await Promise.all(
      [plain, labelled].map(async (agent, index) => {
        const run = await agent.join(spec);
        const serve = async (attempt: AttemptRequest): Promise<void> => {
          got.push(`${index === 0 ? 'plain' : 'labelled'} ${attempt.id}`);
          const about = { agent: agentId(index === 0 ? 'plain' : 'labelled'), attempt: attempt.id, shard: attempt.shard };
          await run.append([{ kind: 'attempt-ended', at: 1, ...about, ending: { kind: 'finished' }, seconds: 0 }]);
        };
        return { run, over: run.pull(() => 1, serve, leaving.signal) };
      }),
    );
    await channel.enqueue([{ ...request(1), lane, needs: { labels: ['gpu'], resources: [] } }]);
    await eventually('the labelled agent has it', async () => got.includes('labelled s1.1'));
    await channel.enqueue([2, 3, 4, 5].map((index) => request(index)));
    await eventually('all are served', async () => got.length === 5);
    expect(got.filter((each) => each.endsWith('s1.1'))).toEqual(['labelled s1.1']);
    leaving.abort();
    for (const { run, over } of pulls) {
      await over;
      await run.leave();
    }
    await channel.enqueue([{ ...request(6), lane }]);
    expect((await here(channel)).waiting).toEqual(new Set([request(6).id]));
    await channel.close();
    expect(await backend.keys(spec.runId)).toEqual([]);
  });

  test('serves attempts once and in order, even if they are enqueued again', async () => {
    const spec = newSpec();
    const channel = await pools.openRun(spec);
    const requests = [1, 2, 3, 4, 5].map((index) => request(index));
    await channel.enqueue(requests);
    await channel.enqueue(requests);
    await using agent = await member(spec);
    const run = await agent.join(spec);
    const served: AttemptRequest[] = [];
    const over = new AbortController();
    const more: boolean[] = [];
    await run.pull(
      () => 1,
      async (attempt) => {
        served.push(attempt);
        more.push(await run.isMoreWaiting());
        if (served.length === 5) {
          await channel.enqueue(requests);
          over.abort();
        }
      },
      over.signal,
    );
    expect(served).toEqual(requests);
    expect(more).toEqual([true, true, true, true, false]);
    await run.leave();
    await channel.close();
  });

  test('gives each number of a counter to one agent, keeps counters apart, and stores none for a closed run', async () => {
    const spec = newSpec();
    const channel = await pools.openRun(spec);
    await using one = await member(spec, 'a1');
    await using two = await member(spec, 'a2');
    const [first, second] = [await one.join(spec), await two.join(spec)];
    expect(await first.claimNumbers('fleet', 2, 0)).toBe(0);
    expect(await second.claimNumbers('fleet', 3, 0)).toBe(2);
    expect(await first.claimNumbers('machine h', 1, 0)).toBe(0);
    expect(await first.claimNumbers('fleet', 1, 2)).toBe(5);
    await backend.loseNumbers(spec.runId);
    expect(await second.claimNumbers('fleet', 1, 5)).toBe(5);
    await first.leave();
    await channel.close();
    expect(await second.claimNumbers('fleet', 1, 7)).toBe(7);
    expect(await backend.keys(spec.runId)).toEqual([]);
    await second.leave();
  });

  test('coverage data arrives whole, is taken once, and leaves no keys', async () => {
    const spec = newSpec();
    const channel = await pools.openRun(spec);
    await using agent = await member(spec);
    const run = await agent.join(spec);
    const data = Buffer.alloc(COVERAGE_LIMITS.chunkBytes * 2 + 5, '\xff0123456789abcde', 'latin1');
    const part = await run.storeCoverage(3, data);
    expect(part).toEqual({ part: 3, chunks: 3, digest: createHash('sha256').update(data).digest('hex') });
    expect(await channel.takeCoverage(agentId('a1'), part)).toEqual(data);
    expect(await channel.takeCoverage(agentId('a1'), part)).toBeNull();
    await run.storeCoverage(4, data);
    await channel.close();
    expect(await backend.keys(spec.runId)).toEqual([]);
    await run.storeCoverage(5, data);
    expect(await backend.keys(spec.runId)).toEqual([]);
    await run.leave();
  });

  test('a run that is closed while attempts are enqueued leaves no keys', async () => {
    const spec = newSpec();
    const channel = await pools.openRun(spec);
    const enqueuing = channel.enqueue([1, 2, 3].map((index) => request(index)));
    await channel.close();
    await enqueuing;
    expect(await backend.keys(spec.runId)).toEqual([]);
  });

  test('serves retries before waiting attempts, in the order they were enqueued', async () => {
    const spec = newSpec();
    const channel = await pools.openRun(spec);
    await channel.enqueue([request(1), request(2), request(3, 2), request(4, 2)]);
    await using agent = await member(spec);
    const run = await agent.join(spec);
    const served: string[] = [];
    const over = new AbortController();
    await run.pull(
      () => 1,
      async ({ id }) => {
        if (served.push(id) === 4) over.abort();
      },
      over.signal,
    );
    expect(served).toEqual(['s3.2', 's4.2', 's1.1', 's2.1']);
    await run.leave();
    await channel.close();
  });

  test('an agent pulls no more attempts than it has slots, and presence shows the holder of each attempt', async () => {
    const spec = newSpec();
    const channel = await pools.openRun(spec);
    await channel.enqueue([1, 2, 3].map((index) => request(index)));
    await using agent = await member(spec);
    const run = await agent.join(spec);
    const over = new AbortController();
    const gate = Promise.withResolvers<void>();
    const serving: string[] = [];
    const pulling = run.pull(
      () => 2,
      async ({ id }) => {
        serving.push(id);
        await gate.promise;
      },
      over.signal,
    );
    await eventually('two are served', () => serving.length === 2);
    await eventually('the agent has said what it holds', async () => (await here(channel)).holding.get(agentId('a1'))?.length === 2);
    const { alive, waiting, taken, holding } = await here(channel);
    expect([...waiting]).toEqual(['s3.1']);
    expect(alive).toEqual(['a1']);
    expect(holding.get(agentId('a1'))?.toSorted()).toEqual(['s1.1', 's2.1']);
    expect(taken.map(({ attempt, agent: holder }) => `${attempt} ${holder}`).sort()).toEqual(['s1.1 a1', 's2.1 a1']);
    expect(await channel.presenceBesideQueue()).toEqual({ kind: 'here', isCancelled: false, alive, waiting: null, taken, holding });
    over.abort();
    gate.resolve();
    await pulling;
    expect(serving).toHaveLength(2);
    await run.leave();
    expect((await here(channel)).alive).toEqual([]);
    await channel.close();
  });

  test('a request to cancel the run reaches its coordinator', async () => {
    const spec = newSpec();
    const channel = await pools.openRun(spec);
    expect(await pools.cancel(runId('nowhere'))).toBe(false);
    expect((await here(channel)).isCancelled).toBe(false);
    expect(await pools.cancel(spec.runId)).toBe(true);
    expect((await here(channel)).isCancelled).toBe(true);
    await channel.close();
    expect(await pools.cancel(spec.runId)).toBe(false);
  });

  test('an attempt whose data Redis lost is not reported as taken', async () => {
    const spec = newSpec();
    const channel = await pools.openRun(spec);
    await channel.enqueue([request(1)]);
    await using agent = await member(spec);
    const run = await agent.join(spec);
    const over = new AbortController();
    await run.pull(
      () => 1,
      async ({ id }) => {
        expect((await here(channel)).taken).toEqual([{ attempt: id, agent: agentId('a1') }]);
        await backend.loseAttempt(spec.runId, id);
        expect((await here(channel)).taken).toEqual([]);
        over.abort();
      },
      over.signal,
    );
    await run.leave();
    await channel.close();
  });

  test('an agent leaves an attempt it should avoid to others, and takes it if no other agent is left', async () => {
    const spec = newSpec();
    const channel = await pools.openRun(spec);
    const avoided = (index: number): AttemptRequest => ({ ...request(index), avoid: [agentId('a1')] });
    await using first = await member(spec, 'a1');
    await using second = await member(spec, 'a2');
    const [one, other] = [await first.join(spec), await second.join(spec)];
    const served: string[] = [];
    const over = new AbortController();
    const pull = (run: typeof one, name: string, signal: AbortSignal) =>
      run.pull(
        () => 2,
        async ({ id }) => {
          served.push(`${id} ${name}`);
        },
        signal,
      );
    const pulling = pull(one, 'a1', over.signal);
    const leaving = new AbortController();
    const others = pull(other, 'a2', leaving.signal);
    await channel.enqueue([avoided(1), request(2)]);
    await eventually('both are served', () => served.length === 2);
    expect(served).toContain('s1.1 a2');
    leaving.abort();
    await others;
    await channel.enqueue([avoided(3)]);
    await eventually('it is taken all the same', () => served.includes('s3.1 a1'));
    over.abort();
    await pulling;
    await Promise.all([one.leave(), other.leave()]);
    await channel.close();
  });

  test('events arrive once and in order while connections keep breaking', async () => {
    const spec = newSpec();
    const channel = await pools.openRun(spec);
    const receiving = receive(channel, 400);
    await using agent = await member(spec);
    const run = await agent.join(spec);
    for (let index = 1; index <= 400; index += 1) {
      const stored = run.append([started(index)]);
      if (index % 40 === 0) await backend.breakConnections();
      await stored;
    }
    expect((await receiving).map((event) => ('at' in event ? event.at : null))).toEqual(
      Array.from({ length: 400 }, (_each, index) => index + 1),
    );
    await run.leave();
    await channel.close();
  });

  test('a late agent receives every command, and a run without keys is over', async () => {
    const spec = newSpec();
    const channel = await pools.openRun(spec);
    const cancel: ControlCommand = { kind: 'cancel-attempt', attempt: attemptId(shardId(1), 1), by: 'superseded' };
    await channel.send(cancel);
    await using agent = await member(spec);
    const run = await agent.join(spec);
    const received: ControlCommand[] = [];
    for await (const command of run.commands(never)) {
      received.push(command);
      if (received.length === 1) await channel.close();
    }
    expect(received).toEqual([cancel, { kind: 'close-run', by: 'cancelled' }]);
    await run.append([started(1)]);
    await run.leave();
  });

  test('agents end a run whose coordinator is silent for minutes', async () => {
    const spec = newSpec();
    const channel = await pools.openRun(spec);
    await here(channel);
    await using agent = await member(spec);
    const run = await agent.join(spec);
    await backend.silence(spec.runId, 6 * 60_000);
    const received: ControlCommand[] = [];
    for await (const command of run.commands(never)) received.push(command);
    expect(received).toEqual([{ kind: 'close-run', by: 'cancelled' }]);
    await run.leave();
    await channel.close();
  });

  test('the coordinator knows that an agent is connected until it exits, also after a broken connection', async () => {
    const spec = newSpec();
    const channel = await pools.openRun(spec);
    const names = [agentId('a1'), agentId('a2')];
    const connected = async (): Promise<string[]> => [...((await channel.connected(names)) ?? ['unknown'])];
    {
      await using _agent = await member(spec);
      await eventually('it is connected', async () => (await connected()).join() === 'a1');
      await backend.breakLines();
      await eventually('it is connected again', async () => (await connected()).join() === 'a1');
    }
    await eventually('it is gone', async () => (await connected()).length === 0);
    await channel.close();
  });

  test('a deposed coordinator stays deposed after Redis loses the run', async () => {
    const spec = newSpec();
    const old = await pools.openRun(spec);
    await backend.endLeaseIn(spec.runId, -1);
    await pools.openRun(spec);
    await backend.loseRun(spec.runId);
    const next = await pools.openRun(spec);
    await expect(old.presence()).rejects.toMatchObject({ code: 'taken-over' });
    await expect(old.announce()).rejects.toMatchObject({ code: 'taken-over' });
    expect(await here(next)).toMatchObject({ alive: [], taken: [] });
    await next.close();
  });

  test('a deposed coordinator changes nothing, during the run and after it', async () => {
    const spec = newSpec();
    const old = await pools.openRun(spec);
    await old.enqueue([request(1)]);
    const deposed = { code: 'taken-over', exitCode: 2 };
    await backend.endLeaseIn(spec.runId, -1);
    const next = await pools.openRun(spec, {
      earlier: async () => {
        await expect(old.enqueue([request(2)])).rejects.toMatchObject(deposed);
        return { attempts: [{ id: request(1).id, lane: null }], keys: new Map() };
      },
    });
    const keys = () => backend.keys(spec.runId);
    const before = await keys();
    await expect(old.enqueue([request(2)])).rejects.toMatchObject(deposed);
    await expect(old.send({ kind: 'close-run', by: 'cancelled' })).rejects.toMatchObject(deposed);
    await expect(old.presence()).rejects.toMatchObject(deposed);
    await expect(old.confirm()).rejects.toMatchObject(deposed);
    await next.confirm();
    await expect(old.announce()).rejects.toMatchObject(deposed);
    await expect(old.close()).rejects.toMatchObject(deposed);
    expect(await keys()).toEqual(before);
    expect(await here(next)).toMatchObject({ alive: [], taken: [] });
    await next.close();
    await old.enqueue([request(2)]);
    await old.send({ kind: 'close-run', by: 'cancelled' });
    expect(await keys()).toEqual([]);
  });

  test('takes a run over from a coordinator that is killed, long before its lease expires', async () => {
    const spec = newSpec();
    const other = await backend.startCoordinator(spec);
    const waits: string[] = [];
    const opening = pools.openRun(spec, { onWait: ({ host }) => waits.push(host) });
    await eventually('it waits for the living coordinator', () => waits.length === 1);
    await other.kill();
    await backend.endLeaseIn(spec.runId, 3_600_000);
    const channel = await opening;
    expect(channel.isFound).toBe(true);
    await here(channel);
    await channel.close();
    expect(await backend.keys(spec.runId)).toEqual([]);
  });

  test('takes a run over from a frozen coordinator, which changes nothing when it wakes', async () => {
    const spec = newSpec();
    const other = await backend.startCoordinator(spec);
    other.freeze();
    const channel = await pools.openRun(spec);
    await channel.enqueue([request(1)]);
    const before = await here(channel);
    await other.thaw();
    expect(await here(channel)).toEqual(before);
    await channel.close();
  });

  test('leaves a run to a coordinator whose connections break, and stops waiting when it is interrupted', async () => {
    const spec = newSpec();
    const other = await backend.startCoordinator(spec);
    const stop = new AbortController();
    const waits: string[] = [];
    const opening = pools.openRun(spec, { onWait: ({ host }) => waits.push(host), signal: stop.signal });
    const refused = expect(opening).rejects.toThrow('SIGINT');
    for (let breaks = 0; breaks < 20; breaks += 1) {
      await backend.breakLines();
      await backend.breakConnections();
      await delay(150);
    }
    expect(waits).toHaveLength(1);
    stop.abort(new Error('SIGINT'));
    await refused;
    await other.kill();
    await (await pools.openRun(spec)).close();
  });

  test('gives the lease of a run to one of two commands that resume it at once', async () => {
    const spec = newSpec();
    const other = await backend.startCoordinator(spec);
    await other.kill();
    const stop = new AbortController();
    const opening = [pools, pools].map((each) => each.openRun(spec, { signal: stop.signal }));
    const first = await Promise.race(opening);
    await here(first);
    stop.abort(new Error('SIGINT'));
    const results = await Promise.allSettled(opening);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await here(first);
    await first.close();
  });

  test('opens a new run once, even if connections break meanwhile', async () => {
    for (let opens = 0; opens < 20; opens += 1) {
      const opening = pools.openRun(newSpec(), { onWait: () => expect.unreachable('it waits for itself') });
      await backend.breakConnections();
      const channel = await opening;
      expect(channel.isFound).toBe(false);
      await channel.close();
    }
  });

  test('a command that cannot take a run over withdraws one that is new, and leaves one that it found', async () => {
    const spec = newSpec();
    const failing = () =>
      pools.openRun(spec, {
        earlier: async () => {
          throw new Error('no log');
        },
      });
    await expect(failing()).rejects.toThrow('no log');
    expect(await backend.keys(spec.runId)).toEqual([]);
    expect(await backend.isAnnounced(spec)).toBe(false);
    await pools.openRun(spec);
    await backend.endLeaseIn(spec.runId, -1);
    await expect(failing()).rejects.toThrow('no log');
    expect(await backend.isAnnounced(spec)).toBe(true);
    await backend.endLeaseIn(spec.runId, -1);
    const next = await pools.openRun(spec);
    expect(next.isFound).toBe(true);
    await next.close();
  });

  test('a run that has lost its lease with all other data is opened at once', async () => {
    const spec = newSpec();
    const other = await backend.startCoordinator(spec);
    other.freeze();
    await backend.loseRun(spec.runId);
    const channel = await pools.openRun(spec, { onWait: () => expect.unreachable('there is nothing to wait for') });
    expect(channel.isFound).toBe(false);
    await other.thaw();
    await channel.close();
  });

  test('delivers a command once that is sent again after a broken connection', async () => {
    const spec = newSpec();
    const channel = await pools.openRun(spec);
    const commands = Array.from({ length: 60 }, (_each, index): ControlCommand => {
      return { kind: 'cancel-attempt', attempt: attemptId(shardId(index + 1), 1), by: 'superseded' };
    });
    for (const [index, command] of commands.entries()) {
      const sent = channel.send(command);
      if (index % 10 === 0) await backend.breakConnections();
      await sent;
    }
    await using agent = await member(spec);
    const run = await agent.join(spec);
    const received: ControlCommand[] = [];
    for await (const command of run.commands(never)) if (received.push(command) === commands.length) break;
    expect(received).toEqual(commands);
    await run.leave();
    await channel.close();
  });

  test('the coordinator notices a lost run once, and continues with new agents after announcing it again', async () => {
    const spec = newSpec();
    const channel = await pools.openRun(spec);
    await channel.enqueue([request(1)]);
    expect(await here(channel)).toMatchObject({ alive: [] });
    await backend.loseRun(spec.runId);
    await backend.loseAnnouncement(spec);
    expect((await channel.presence()).kind).toBe('emptied');
    expect((await channel.presence()).kind).toBe('unknown');
    await channel.announce();
    expect((await here(channel)).alive).toEqual([]);
    await using agent = await member(spec);
    expect(await agent.nextRun(never)).toEqual(spec);
    const run = await agent.join(spec);
    const receiving = receive(channel, 1);
    await run.append([started(1)]);
    expect(await receiving).toEqual([started(1)]);
    await run.leave();
    await channel.close();
    expect(await backend.keys(spec.runId)).toEqual([]);
    expect(await backend.isAnnounced(spec)).toBe(false);
  });

  test('an agent that joins before a lost run is announced again stays in the run', async () => {
    const spec = newSpec();
    const channel = await pools.openRun(spec);
    await backend.loseRun(spec.runId);
    await using agent = await member(spec);
    const run = await agent.join(spec);
    expect((await channel.presence()).kind).toBe('emptied');
    await channel.announce();
    await eventually('the agent is there', async () => (await here(channel)).alive.length === 1);
    const received: ControlCommand[] = [];
    const receiving = (async () => {
      for await (const command of run.commands(never)) {
        received.push(command);
        if (command.kind === 'close-run') return;
      }
    })();
    // Longer than a reader waits for a reply without commands.
    await delay(1500);
    await channel.send({ kind: 'close-run', by: 'done' });
    await receiving;
    expect(received).toEqual([{ kind: 'close-run', by: 'done' }]);
    await run.leave();
    await channel.close();
  });

  test('the coordinator notices that Redis restored an earlier state of the run', async () => {
    const spec = newSpec();
    const channel = await pools.openRun(spec);
    await channel.presence();
    await channel.presence();
    await backend.forgetLooks(spec.runId);
    expect((await channel.presence()).kind).toBe('emptied');
    await channel.announce();
    expect((await channel.presence()).kind).toBe('here');
    await channel.close();
  });
});

describe.each(servers)('keys and durations in %s', AT_ONCE, (_, redisBin) => {
  let server: EmbeddedRedis;
  let redis: Redis;
  beforeAll(async () => {
    server = await startServer(redisBin);
    redis = await connect(server.url, 'test');
  });
  afterAll(async () => {
    redis.disconnect();
    await server[Symbol.asyncDispose]();
  });
  const member = (spec: RunSpec) =>
    redisPoolMember({
      url: server.url,
      pool: spec.pool,
      agent: agentId('a1'),
      only: null,
      signer: null,
      verifier: NO_VERIFIER,
      warn: () => undefined,
      declined: () => undefined,
    });

  test('every key of an open run expires, and a closed run leaves no keys', async () => {
    const spec = newSpec();
    const channel = await redisPools(redis).openRun(spec);
    await channel.enqueue([1, 2, 3].map((index) => request(index)));
    await channel.send({ kind: 'close-run', by: 'done' });
    await using agent = await member(spec);
    const run = await agent.join(spec);
    await run.append([started(1)]);
    await run.claimNumbers('fleet', 1, 0);
    await run.storeCoverage(1, new Uint8Array([1]));
    const gate = Promise.withResolvers<void>();
    const over = new AbortController();
    let isServing = false;
    const pulling = run.pull(
      () => 1,
      () => {
        isServing = true;
        return gate.promise;
      },
      over.signal,
    );
    await eventually('one is served', () => isServing);
    await eventually('every key of the run has a life span', async () => {
      const keys = await redis.keys(`*${spec.runId}}*`);
      const lives = await Promise.all(keys.map((key) => redis.pttl(key)));
      return keys.length > 5 && lives.every((life) => life > 0);
    });
    over.abort();
    gate.resolve();
    await pulling;
    await run.leave();
    await channel.close();
    await run.append([started(2)]);
    expect(await redis.keys(`*${spec.runId}}*`)).toEqual([]);
    expect(await redis.hexists(`{sl:pool:${spec.pool}}:runs`, spec.runId)).toBe(0);
  });

  test('a look renews the keys that agents may only read', async () => {
    const spec = newSpec();
    const channel = await redisPools(redis).openRun(spec);
    const { spec: text, coordinator } = runKeys(spec.runId);
    for (const key of [text, coordinator]) await redis.expire(key, 100);
    await channel.presence();
    for (const key of [text, coordinator]) expect(await redis.ttl(key)).toBeGreaterThan(100);
    await channel.close();
  });

  test('loads saved durations, and newer durations replace those of a file', async () => {
    const store = redisTimingStore(redis, 'suite', () => undefined);
    const timing = (seconds: number) => ({
      seconds,
      collectSeconds: 0.5,
      fixtureSeconds: 0.25,
      tests: new Map([[nodeId('tests/test_a.py::test_x[a::b]'), seconds]]),
      lastRuns: new Map([[nodeId('tests/test_a.py::test_x[a::b]'), 'FPSR']]),
    });
    const files = new Map([
      [testFile('tests/test_a.py'), timing(1)],
      [testFile('tests/test_b.py'), timing(2)],
    ]);
    expect(await store.load()).toEqual(new Map());
    await store.save(files);
    await store.save(new Map([[testFile('tests/test_a.py'), timing(3)]]));
    expect(await store.load()).toEqual(new Map([...files, [testFile('tests/test_a.py'), timing(3)]]));
    expect(await redis.ttl('{sl:pool:suite}:timings')).toBeGreaterThan(0);
  });

  test('drops impossible durations and those of a newer version', async () => {
    const dropped: (readonly [number, string])[] = [];
    const store = redisTimingStore(redis, 'odd', (...told) => dropped.push(told));
    const file = testFile('tests/test_a.py');
    const sound = { seconds: 1, collectSeconds: 0, fixtureSeconds: 0, tests: new Map(), lastRuns: new Map() };
    await store.save(new Map([[file, { ...sound, collectSeconds: -1 }]]));
    await store.save(new Map([[file, { ...sound, fixtureSeconds: Number.NaN }]]));
    await store.save(new Map([[file, sound]]));
    const timing = { seconds: -1, collectSeconds: 0, tests: [] };
    await redis.hset('{sl:pool:odd}:timings', 'b.py', JSON.stringify({ version: 2, timing }), 'c.py', '{"version":9}', 'd.py', '{');
    expect(await store.load()).toEqual(new Map([[file, sound]]));
    expect(dropped).toEqual([
      [1, 'this run'],
      [1, 'this run'],
      [3, 'pool odd'],
    ]);
  });
});
