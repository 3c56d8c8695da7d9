import { expect, test } from 'vitest';
import { faultDump, lastOutput } from '../../../agent/core/fault-dump.ts';
import { hangSeconds, testLimitSeconds } from '../../../agent/core/test-limit.ts';

const dump = [
  'Fatal Python error: Aborted',
  '',
  'Thread 0x0001 (most recent call first):',
  '  File "gateway.py", line 7 in read',
  '',
  'Current thread 0x0002 (most recent call first):',
  '  File "test_a.py", line 5 in test_a',
  '',
  'Extension modules: numpy (total: 1)',
].join('\n');

test('finds the last fault dump among dots and output of other processes', () => {
  expect(faultDump(`Fatal Python error: older\n  File "old.py"\n..F.${dump}\nreplacing crashed worker gw0\n....`)).toBe(dump);
  expect(faultDump('.....\n')).toBeNull();
});

test('returns the end of other output, without the messages that xdist prints for every crash', () => {
  expect(lastOutput('free(): invalid pointer\n[gw0] node down: Not properly terminated\n\nreplacing crashed worker gw0\n')).toBe(
    'free(): invalid pointer',
  );
});

test('without --test-timeout a test hangs only after half an hour and ten times its estimate', () => {
  expect(testLimitSeconds(null, 0.1)).toBe(1800);
  expect(testLimitSeconds(null, 1000)).toBe(10_000);
  expect(testLimitSeconds(5, 1000)).toBe(5);
  expect(hangSeconds(1)).toBe(1800);
});
