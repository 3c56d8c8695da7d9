// How an agent describes the death of a working process.

import { expect, test } from 'vitest';
import { deathReport } from '../../../agent/core/death-report.ts';

const killed = { how: 'it was killed by SIGKILL', seconds: 1.234, endedBecause: null, output: '' };

test('names the time, and lack of memory as a possible cause of a SIGKILL from outside', () => {
  expect(deathReport(killed)).toBe('it was killed by SIGKILL (as the kernel does when memory runs out) after 1.2 s');
  expect(deathReport({ ...killed, how: 'it was killed by SIGSEGV' })).toBe('it was killed by SIGSEGV after 1.2 s');
});

test('names the reason of the watchdog instead of the time', () => {
  expect(deathReport({ ...killed, endedBecause: 'as it was still running after 5 s' })).toBe(
    'it was killed by SIGKILL as it was still running after 5 s',
  );
});

test('quotes the stacks, and the last output only without stacks', () => {
  const dump = 'Fatal Python error: Aborted\n\nCurrent thread 0x1 (most recent call first):\n  File "a.py", line 1 in f';
  expect(deathReport({ ...killed, output: `printed\n${dump}\n` })).toMatch(/after 1\.2 s\n\nFatal Python error: Aborted\n/);
  expect(deathReport({ ...killed, output: `printed\n${dump}\n` })).not.toContain('printed last');
  expect(deathReport({ ...killed, output: 'printed\n' })).toMatch(/after 1\.2 s\n\npytest printed last:\nprinted$/);
});
