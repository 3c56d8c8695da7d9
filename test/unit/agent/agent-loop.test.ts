import { expect, test } from 'vitest';
import { agentLoop } from '../../../agent/agent-loop.ts';
import { type JoinedRun, RunOver, type Session } from '../../../agent/ports.ts';
import { fixedWorkspace } from '../../../agent/workspace/fixed-workspace.ts';
import type { ControlCommand } from '../../../shared/domain/control.ts';
import { agentId, runId } from '../../../shared/domain/ids.ts';
import type { RunSpec } from '../../../shared/domain/run-spec.ts';
import { systemClock } from '../../../shared/system/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { opened } from '../core/run-kit.ts';

const notHere = (): never => {
  throw new Error('no run is joined here');
};

const identity = {
  id: agentId('a1'),
  host: 'host',
  pid: 1,
  hashSeed: null,
  isLocal: true,
  accepts: { mode: 'any', own: [] } as const,
  printFiles: notHere,
  isInside: notHere,
};
const pytest = { numprocesses: '1', maxAutoWorkers: 1 };
const workspaces = fixedWorkspace('.', 'python3');
const fixed = { identity, pytest, workspaces, engine: { open: notHere }, clock: systemClock, reportState: notHere };
const hasMemory = async () => true;

test.each([600, 2000])('an agent with a maximum idle time of %i hours waits for a run', async (hours) => {
  let isWaiting = false;
  const member = {
    async nextRun(signal: AbortSignal): Promise<null> {
      // A timer with too long a delay fires after a millisecond.
      await systemClock.wait(20);
      isWaiting = !signal.aborted;
      return null;
    },
    join: notHere,
  };
  const leaveWhen = { once: false, maxIdleMs: hours * 3600 * 1000, maxRuns: 1, hasMemory };
  await agentLoop({ ...fixed, member, warn: notHere }, leaveWhen, new AbortController().signal);
  expect(isWaiting).toBe(true);
});

/** A pool in which runs open. `opens` and `ends` of a run, by its id, let its session open and close the run. */
function poolOf(...ids: string[]) {
  const waiting = new Set(ids);
  const asked: string[] = [];
  const joined: string[] = [];
  const once = () => Promise.withResolvers<void>();
  const runs = new Map(ids.map((id) => [id, { opens: once(), ends: once() }]));
  const of = (id: string) => runs.get(id) ?? notHere();
  const news = new EventTarget();
  const abortOf = (signal: AbortSignal) =>
    new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  const member = {
    async nextRun(signal: AbortSignal): Promise<RunSpec | null> {
      asked.push([...waiting][0] ?? 'none');
      while (waiting.size === 0 && !signal.aborted)
        await Promise.race([abortOf(signal), new Promise((resolve) => news.addEventListener('run', resolve, { once: true }))]);
      const [id] = waiting;
      return id === undefined || signal.aborted ? null : { ...opened([]).spec, runId: runId(id) };
    },
    async join({ runId: id }: RunSpec): Promise<JoinedRun> {
      waiting.delete(id);
      joined.push(id);
      return {
        append: async () => undefined,
        async *commands(signal): AsyncIterable<ControlCommand> {
          await Promise.race([of(id).ends.promise, abortOf(signal)]);
          yield { kind: 'close-run', by: 'done' };
        },
        pull: (_slots, _serve, signal) => abortOf(signal),
        isMoreWaiting: async () => false,
        claimNumbers: async () => 0,
        serverNow: async () => Date.now(),
        leasedUnits: async () => null,
        silenceMs: () => 0,
        storeCoverage: notHere,
        leave: async () => undefined,
      };
    },
  };
  const info = {
    workers: 1,
    python: '3',
    pytest: '8',
    xdist: '3',
    installed: { python: '3', platform: 'linux', plugins: {}, packages: {}, packagesDigest: '' },
  };
  const engine = {
    async open({ spec, ending }: { readonly spec: RunSpec; readonly ending: AbortSignal }): Promise<Session> {
      await Promise.race([of(spec.runId).opens.promise, abortOf(ending)]);
      if (ending.aborted) throw new RunOver();
      return { slots: 1, info, run: notHere, peakRssBytes: () => 0, cpuSeconds: () => 0, close: async () => undefined };
    },
  };
  return {
    loop: { ...fixed, member, engine, reportState: () => undefined, warn: () => undefined },
    asked,
    joined,
    opens: (id: string) => of(id).opens.resolve(),
    ends: (id: string) => of(id).ends.resolve(),
    start(id: string) {
      runs.set(id, { opens: once(), ends: once() });
      waiting.add(id);
      news.dispatchEvent(new Event('run'));
    },
  };
}

test('an agent joins another run only if there is memory for it, and looks again when one ends', async () => {
  const pool = poolOf('one', 'two');
  const shutdown = new AbortController();
  let answers = 0;
  const leaveWhen = {
    once: false,
    maxIdleMs: null,
    maxRuns: 4,
    hasMemory: async () => {
      answers += 1;
      return false;
    },
  };
  const life = agentLoop(pool.loop, leaveWhen, shutdown.signal);
  pool.opens('one');
  await eventually('the agent asked for memory', () => answers > 0);
  expect(pool.joined).toEqual(['one']);
  pool.ends('one');
  await eventually('the agent joined the second run', () => pool.joined.length === 2);
  shutdown.abort();
  await life;
});

test('asks for memory when a run has opened, not when it begins to wait for one', async () => {
  const pool = poolOf('one');
  const shutdown = new AbortController();
  let isFull = false;
  const leaveWhen = { once: false, maxIdleMs: null, maxRuns: 4, hasMemory: async () => !isFull };
  const life = agentLoop(pool.loop, leaveWhen, shutdown.signal);
  pool.opens('one');
  await eventually('the agent waits for the next run', () => pool.asked.length === 2);
  isFull = true;
  pool.start('two');
  await systemClock.wait(50);
  expect(pool.joined).toEqual(['one']);
  pool.ends('one');
  await eventually('the agent joined the second run', () => pool.joined.length === 2);
  shutdown.abort();
  await life;
});

test('joins the next run when the session of the one before is open', async () => {
  const pool = poolOf('one', 'two', 'three');
  const shutdown = new AbortController();
  const life = agentLoop(pool.loop, { once: false, maxIdleMs: null, maxRuns: 4, hasMemory }, shutdown.signal);
  await systemClock.wait(50);
  expect(pool.joined).toEqual(['one']);
  pool.opens('one');
  await eventually('the agent joined the second run', () => pool.joined.length === 2);
  await systemClock.wait(50);
  expect(pool.joined).toEqual(['one', 'two']);
  // A session that does not open does not hold up the others once its run is over.
  pool.ends('two');
  await eventually('the agent joined the third run', () => pool.joined.length === 3);
  shutdown.abort();
  await life;
});

test('an agent that could serve several runs waits for the next one after its last run ended', async () => {
  const pool = poolOf('one', 'two');
  const shutdown = new AbortController();
  const life = agentLoop(pool.loop, { once: false, maxIdleMs: null, maxRuns: 4, hasMemory }, shutdown.signal);
  for (const id of ['one', 'two']) pool.opens(id);
  await eventually('the agent is in both runs', () => pool.asked.length === 3);
  pool.ends('one');
  await eventually('the agent looks again', () => pool.asked.length === 4);
  pool.ends('two');
  await eventually('the agent looks again', () => pool.asked.length === 5);
  shutdown.abort();
  await life;
  expect(pool.asked).toEqual(['one', 'two', 'none', 'none', 'none']);
});
