// `shardline run --failed` runs only the tests that failed in the last run.

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { testPython } from '../support/python.ts';
import { newProject, outcomesOf } from '../support/shardline.ts';

const files = {
  'tests/test_a.py': 'def test_bad(): assert 0\ndef test_gone(): assert 0\ndef test_fine(): pass\n',
  'tests/test_b.py': 'import nothing_of_that_name\n',
  'tests/test_c.py': 'def test_bad(): assert 0\n',
  'tests/test_d.py': 'def test_fine(): pass\n',
};

test('reruns failed tests and uncollected files, reports tests that are gone, and exits 5 when nothing failed', {
  timeout: 300_000,
}, async () => {
  await using project = await newProject(files);
  const run = (...args: readonly string[]) => project.shardline(['run', '-n', '1', ...args]);
  const edit = (name: string, text: string) => writeFile(join(project.directory, 'tests', name), text);
  const nothing = await run('--failed');
  expect([nothing.exitCode, nothing.stderr]).toEqual([4, expect.stringContaining('found no earlier run')]);

  expect((await run()).exitCode).toBe(1);
  await edit('test_a.py', 'def test_bad(): assert 0\ndef test_new(): assert 0\n');
  await edit('test_b.py', 'def test_fine(): pass\n');
  await rm(join(project.directory, 'tests/test_c.py'));
  const second = await run('--failed', '--out', 'out');
  expect(second.exitCode, second.all).toBe(1);
  expect(outcomesOf(await project.report())).toEqual({ 'tests/test_a.py::test_bad': 'failed', 'tests/test_b.py::test_fine': 'passed' });
  expect(second.stderr).toMatch(/^shardline: skipped tests\/test_c\.py::test_bad: it failed in run .*, but its file no longer exists$/m);
  expect(second.stderr).toMatch(/^shardline: not found any more, though it failed in the last run: tests\/test_a\.py::test_gone$/m);

  await edit('test_a.py', 'def test_bad(): pass\n');
  const third = await run('--failed', '--out', 'out', 'tests/test_a.py');
  expect(third.exitCode, third.all).toBe(0);
  expect(outcomesOf(await project.report())).toEqual({ 'tests/test_a.py::test_bad': 'passed' });
  const mistyped = await run('--failed', 'tests/test_a.py', 'tests/test_aa.py');
  expect([mistyped.exitCode, mistyped.stderr]).toEqual([4, expect.stringContaining('found no file or directory tests/test_aa.py in')]);
  const other = await run('--failed', '--out', 'out', 'tests/test_d.py');
  expect([other.exitCode, other.stderr]).toEqual([5, expect.stringMatching(/no test failed in run \S+ under tests\/test_d\.py/)]);
  const last = await run('--failed', '--out', 'out');
  expect([last.exitCode, last.stderr]).toEqual([5, expect.stringContaining('--failed has nothing to run: no test failed in run ')]);
});

test("reads the failures of --baseline, or of pytest's cache when there is no report", { timeout: 300_000 }, async () => {
  await using project = await newProject(files);
  const run = (...args: readonly string[]) => project.shardline(['run', '-n', '1', '--failed', '--out', 'out', ...args]);
  await execa(testPython(), ['-m', 'pytest', '-q', '--continue-on-collection-errors', 'tests'], { cwd: project.directory, reject: false });
  const first = await run();
  expect(first.exitCode, first.all).toBe(1);
  const report = await project.report();
  expect([Object.keys(outcomesOf(report)), report.collectErrors.map(({ file }) => file)]).toEqual([
    ['tests/test_a.py::test_bad', 'tests/test_a.py::test_gone', 'tests/test_c.py::test_bad'],
    ['tests/test_b.py'],
  ]);

  await writeFile(join(project.directory, 'tests/test_b.py'), '');
  const second = await run('--baseline', 'out');
  expect(second.exitCode, second.all).toBe(1);
  expect((await project.report()).comparison).toMatchObject({ newFailures: [], fixed: [], vanished: [] });
  const junit = await run('--baseline', 'out/junit.xml');
  expect([junit.exitCode, junit.stderr]).toEqual([4, expect.stringContaining('a JUnit file has no node ids')]);
});
