// The arguments of a run that an agent accepts.

import { expect, test } from 'vitest';
import { judgeArgs } from '../../../shared/domain/accepted-args.ts';

const safe = { mode: 'safe', own: [] } as const;

test('accepts the selection of tests, and the form of the output', () => {
  const args = [
    'tests/a',
    'tests/b.py::T::t[x=1]',
    '-k',
    'not -p slow',
    '-knot',
    '-m',
    '--basetemp',
    '-xvs',
    '-q',
    '--maxfail=2',
    '-rA',
    '--tb',
    'short',
  ];
  expect(judgeArgs([...args, '-W', 'error', '--durations=5', '--lf', '--deselect', 'a::b'], safe)).toEqual({
    refused: [],
    paths: ['tests/a', 'tests/b.py'],
  });
});

test.each([
  ['-p', 'plugin'],
  ['-pplugin'],
  ['-o', 'pythonpath=/x'],
  ['--override-ini=pythonpath=/x'],
  ['-c', '/x.ini'],
  ['--rootdir=/x'],
  ['--rootdir', '/x'],
  ['--confcutdir=/x'],
  ['--pyargs'],
  ['--basetemp=/home'],
  ['--log-file=conftest.py'],
  ['--log-file-format=import os'],
  ['--junit-xml=/x'],
  ['--debug'],
  ['--tx', 'popen//python=/x'],
  ['--import-mode=importlib'],
  ['@file'],
  ['-k', '@/etc/passwd'],
  ['--deselect', '@file'],
  ['-xp'],
  ['--max=2'],
  ['-k=1', '-p', 'x'],
])('refuses %j %j', (...args) => {
  expect(judgeArgs(['tests', ...args], safe).refused).not.toEqual([]);
});

test('accepts what the user of this machine gave, and everything with any', () => {
  const args = ['-p', 'no:randomly', '-o', 'log_cli=true', '../elsewhere'];
  expect(judgeArgs(args, { mode: 'safe', own: args })).toEqual({ refused: [], paths: [] });
  // Another value of the user's own option.
  expect(judgeArgs([...args, '-p', 'other'], { mode: 'safe', own: args })).toEqual({ refused: ['-p'], paths: ['other'] });
  expect(judgeArgs(['-k', '@own'], { mode: 'safe', own: ['-k', '@own'] }).refused).toEqual([]);
  expect(judgeArgs(['-p', 'x', '/etc'], { mode: 'any', own: [] })).toEqual({ refused: [], paths: [] });
});
