// The log for people.

import { expect, test } from 'vitest';
import { logLine } from '../../shared/text/log-line.ts';

const json = (fields: object): string => `${JSON.stringify({ level: 30, time: 0, pid: 1, hostname: 'h', name: 'agent a1', ...fields })}\n`;

test.each([
  [{ run: 'r1', seconds: 20, msg: 'draining' }, '1970-01-01T00:00:00.000Z INFO  agent a1: draining run=r1 seconds=20\n'],
  [
    { level: 40, problem: 'no answer\nin 5 s', msg: 'went on' },
    '1970-01-01T00:00:00.000Z WARN  agent a1: went on problem="no answer\\nin 5 s"\n',
  ],
  [{ why: 'x level=50', msg: 'm' }, '1970-01-01T00:00:00.000Z INFO  agent a1: m why="x level=50"\n'],
  [{ into: ['s1', 's2'], none: null, msg: 'm' }, '1970-01-01T00:00:00.000Z INFO  agent a1: m into=["s1","s2"] none=null\n'],
  [{ text: '\u009b2J', msg: 'm' }, '1970-01-01T00:00:00.000Z INFO  agent a1: m text="\\x9B2J"\n'],
])('writes %o as one line', (fields, line) => {
  expect(logLine(json(fields))).toBe(line);
});
