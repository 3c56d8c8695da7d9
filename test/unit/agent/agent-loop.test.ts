import { expect, test } from 'vitest';
import { agentLoop } from '../../../agent/agent-loop.ts';
import { fixedWorkspace } from '../../../agent/workspace/fixed-workspace.ts';
import { agentId, runId } from '../../../shared/domain/ids.ts';
import type { RunSpec } from '../../../shared/domain/run-spec.ts';
import { ShardlineError } from '../../../shared/errors.ts';
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

/** A pool with two open runs. The agent is in each until `end` is called with its id; then joining it has failed. */
function poolOfTwo() {
  const waiting: string[] = ['one', 'two'];
  const asked: string[] = [];
  const joined = new Map<string, () => void>();
  const member = {
    async nextRun(signal: AbortSignal): Promise<RunSpec | null> {
      asked.push(waiting[0] ?? 'none');
      const id = waiting.shift();
      if (id !== undefined) return { ...opened([]).spec, runId: runId(id) };
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      return null;
    },
    async join(spec: RunSpec): Promise<never> {
      await new Promise<void>((resolve) => joined.set(spec.runId, resolve));
      throw new ShardlineError('run-expired', { runId: spec.runId, at: 'now' });
    },
  };
  return { member, asked, joined };
}

test('an agent joins another run only if there is memory for it, and looks again when one ends', async () => {
  const { member, asked, joined } = poolOfTwo();
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
  const life = agentLoop({ ...fixed, member, warn: () => undefined }, leaveWhen, shutdown.signal);
  await eventually('the agent asked for memory', () => answers > 0 && joined.has('one'));
  expect(asked).toEqual(['one']);
  joined.get('one')?.();
  await eventually('the agent joined the second run', () => joined.has('two'));
  shutdown.abort();
  joined.get('two')?.();
  await life;
});

test('an agent that could serve several runs waits for the next one after its last run ended', async () => {
  const { member, asked, joined } = poolOfTwo();
  const shutdown = new AbortController();
  const leaveWhen = { once: false, maxIdleMs: null, maxRuns: 4, hasMemory };
  const life = agentLoop({ ...fixed, member, warn: () => undefined }, leaveWhen, shutdown.signal);
  await eventually('the agent is in both runs', () => joined.size === 2);
  joined.get('one')?.();
  await eventually('the agent looks again', () => asked.length === 4);
  joined.get('two')?.();
  await eventually('the agent looks again', () => asked.length === 5);
  shutdown.abort();
  await life;
  expect(asked).toEqual(['one', 'two', 'none', 'none', 'none']);
});
