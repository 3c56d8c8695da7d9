// The limits of a worker's work. test/plugin/hanging.test.ts shows them with pytest.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test, vi } from 'vitest';
import type { PytestMessage } from '../../../agent/pytest/codec.ts';
import { createHangWatchdog } from '../../../agent/pytest/hang-watchdog.ts';

afterEach(() => {
  vi.useRealTimers();
});

const examining = (step: 'imports' | 'test'): PytestMessage => ({ kind: 'examining', nodeid: 'test_a.py::test_x', step });

test.each([
  ['imports', 1_799_000, 'still loading modules after 1800 s'],
  ['test', 1000, 'still running after 2 s, the --test-timeout'],
] as const)('ends a worker whose check of a failed test takes too long in its step %s', async (step, withinMs, why) => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const exited = once(child, 'exit');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const watchdog = createHangWatchdog({ testTimeoutSeconds: 2, shardSeconds: () => 1, printedBytes: () => 0, outputSince: () => '' });
  try {
    watchdog.receive({ kind: 'hello', worker: 'gw0', pid: child.pid ?? 0 }, 'gw0');
    watchdog.receive(examining(step), 'gw0');
    vi.advanceTimersByTime(withinMs);
    expect(watchdog.endedHere('gw0')).toBeNull();
    vi.advanceTimersByTime(1000);
    expect(watchdog.endedHere('gw0')).toContain(why);
    expect(await exited).toEqual([null, 'SIGABRT']);
  } finally {
    watchdog.close();
    child.kill('SIGKILL');
  }
});

test('ends no worker that has finished the check of a failed test', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const watchdog = createHangWatchdog({ testTimeoutSeconds: 2, shardSeconds: () => 1, printedBytes: () => 0, outputSince: () => '' });
  watchdog.receive(examining('test'), 'gw0');
  watchdog.receive({ kind: 'examined' }, 'gw0');
  expect(vi.getTimerCount()).toBe(0);
  watchdog.close();
});
