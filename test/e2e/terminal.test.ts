// The live screen in a real terminal: it fits after every resize, and it is gone when the run ends.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { newProject } from '../support/shardline.ts';
import { startInTerminal, type TerminalRun } from '../support/terminal.ts';

const suite = {
  'tests/test_bad.py': 'def test_bad(): assert 41 == 42\n',
  'tests/test_gate.py': [
    'import os, time',
    `def test_gate_${'試験'.repeat(30)}():`,
    '    while not os.path.exists("gate"): time.sleep(0.02)',
  ].join('\n'),
};
const argv = ['run', 'tests', '-n', '2', '--out', 'out'];
/** Enough for a machine at a fifth of the speed. */
const WAIT_SECONDS = 60;

/** Waits until the terminal shows each pattern on the given number of lines, all at the same time. */
async function shows(terminal: TerminalRun, what: string, ...patterns: readonly (readonly [line: RegExp, times: number])[]): Promise<void> {
  const holds = (): boolean => {
    const lines = terminal.lines();
    return patterns.every(([pattern, times]) => lines.filter((line) => pattern.test(line)).length === times);
  };
  await eventually(what, holds, WAIT_SECONDS).catch((thrown: unknown) => {
    throw new Error(`the terminal shows\n${terminal.lines().join('\n')}`, { cause: thrown });
  });
}

const failure = /^FAILED tests\/test_bad\.py::test_bad \(a1\)$/;
const slowest = /^slowest now: \d+ s tes.*\(a1 gw\d\)$/;
const files = / 1\/2 files$/;
const worker = /^ {2}gw\d .*験$/;
const onScreen = [/slowest now/, /\d\/\d files$/, /^ {2}gw\d /, /^a1 on /] as const;

test('the screen shows the running tests, fits a resized terminal, and leaves only the report', {
  timeout: 180_000,
}, async () => {
  await using project = await newProject(suite);
  await using terminal = startInTerminal(project.directory, { columns: 80, rows: 24 }, argv);
  await shows(
    terminal,
    'the failure stands above the screen, which has the test that runs',
    [failure, 1],
    [/ 1\/2 tests {2}1\/2 files$/, 1],
    [/^1 failed$/, 1],
    [slowest, 1],
    [worker, 1],
  );

  for (const size of [
    { columns: 44, rows: 12 },
    { columns: 120, rows: 30 },
  ]) {
    terminal.resize(size);
    const redrawn = (): boolean => terminal.writtenSince(size).split('slowest now:').length > 2;
    await eventually(`the screen is drawn twice on ${size.columns} columns`, redrawn, WAIT_SECONDS);
    await shows(terminal, `one screen on ${size.columns} columns`, [failure, 1], [slowest, 1], [files, 1], [worker, 1]);
  }

  await writeFile(join(project.directory, 'gate'), '');
  expect(await terminal.ended).toBe(1);
  const lines = terminal.lines();
  for (const part of onScreen) expect(lines.filter((line) => part.test(line))).toEqual([]);
  expect(lines.at(-1)).toMatch(/^failed: 1 failed, 1 passed in .* exit 1$/);
  expect(lines).toContainEqual(expect.stringMatching(/^E +assert 41 == 42$/));
  expect(terminal.written()).not.toContain('\u001b[?25l');
  expect(terminal.written()).toMatch(/\u001b\[31mfailed: .*\u001b\[22m\r\n$/);
});

test('restores the terminal after two Ctrl-C', { timeout: 180_000 }, async () => {
  await using project = await newProject(suite);
  await using terminal = startInTerminal(project.directory, { columns: 80, rows: 24 }, argv);
  await shows(terminal, 'the test runs', [worker, 1]);
  terminal.type('\u0003');
  await shows(terminal, 'it stops', [/^Interrupted: finishing up, results are kept\./, 1]);
  terminal.type('\u0003');
  expect(await terminal.ended).toBe(2);
  const lines = terminal.lines();
  for (const part of onScreen) expect(lines.filter((line) => part.test(line))).toEqual([]);
  expect(lines.at(-1)).toMatch(/^interrupted: .* exit 2$/);
  expect(terminal.written()).not.toContain('\u001b[?25l');
});
