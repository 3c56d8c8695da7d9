// Whether an output gets colours and a screen, or plain lines.

import { expect, test } from 'vitest';
import type { Output } from '../../../shared/system/edge.ts';
import { takesColor, takesScreen } from '../../../shared/system/terminal.ts';

const write = () => true;
type Row = readonly [output: Output, env: Record<string, string>, expected: boolean];
const terminal = { write, isTTY: true, columns: 80, rows: 24 };
const file = { write };

test.each<Row>([
  [terminal, {}, true],
  [file, {}, false],
  [terminal, { TERM: 'dumb' }, false],
  [terminal, { NO_COLOR: '1' }, false],
  [terminal, { NO_COLOR: '' }, true],
  [file, { FORCE_COLOR: '1' }, true],
  [terminal, { FORCE_COLOR: '0' }, false],
  [file, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  [terminal, { CI: 'true' }, true],
])('colours on output %o with environment %o: %s', (output, env, expected) => {
  expect(takesColor(output, env)).toBe(expected);
});

test.each<Row>([
  [terminal, {}, true],
  [file, {}, false],
  [file, { FORCE_COLOR: '1' }, false],
  [terminal, { NO_COLOR: '1' }, true],
  [terminal, { TERM: 'dumb' }, false],
  [terminal, { CI: 'true' }, false],
  [terminal, { CI: 'false' }, true],
  [{ ...terminal, columns: 0, rows: 0 }, {}, false],
])('a screen on output %o with environment %o: %s', (output, env, expected) => {
  expect(takesScreen(output, env)).toBe(expected);
});
