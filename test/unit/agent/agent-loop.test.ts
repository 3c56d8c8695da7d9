import { expect, test } from 'vitest';
import { agentLoop } from '../../../agent/agent-loop.ts';
import { fixedWorkspace } from '../../../agent/workspace/fixed-workspace.ts';
import { agentId } from '../../../shared/domain/ids.ts';
import { systemClock } from '../../../shared/system/clock.ts';

const notHere = (): never => {
  throw new Error('no run is joined here');
};

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
  const loop = { identity, pytest, workspaces, member, engine: { open: notHere }, clock: systemClock, reportState: notHere, warn: notHere };
  await agentLoop(loop, { once: false, maxIdleMs: hours * 3600 * 1000, maxRuns: 1 }, new AbortController().signal);
  expect(isWaiting).toBe(true);
});
