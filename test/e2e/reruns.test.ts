import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newProject, outcomesOf } from '../support/shardline.ts';

/** Fails the first time it runs, on any agent. */
const flaky = `
import os, pytest
def once(name):
    try:
        os.close(os.open(name + ".ran", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    pytest.fail("not yet")
`;
const project = {
  'helping.py': flaky,
  'conftest.py': 'import sys, os\nsys.path.insert(0, os.path.dirname(__file__))\n',
  'pytest.ini': '[pytest]\nmarkers = serial\n',
  'test_flaky.py': 'from helping import once\ndef test_flaky(): once("flaky")\ndef test_fine(): pass\n',
  'test_broken.py': 'def test_broken(): assert 1 == 2\n',
  'test_serial.py': 'import pytest\nfrom helping import once\n@pytest.mark.serial\ndef test_alone(): once("alone")\n',
};
const out = ['--out', 'out'] as const;

test('reruns a failed test on another agent: flaky if it passes there, failed if it never passes', async () => {
  // Long enough for the second agent to join.
  const slow = Array.from({ length: 6 }, (_, index) => [`test_slow_${index}.py`, 'import time\ndef test_slow(): time.sleep(0.7)\n']);
  await using suite = await newProject({ ...project, ...Object.fromEntries(slow) });
  const args = ['--agents', '2', '-n', '1', '--reruns', '2', '--reruns-limit', '3'];
  const result = await suite.shardline(['run', ...args, ...out, '--', '-p', 'no:randomly'], {});
  expect(result.exitCode, result.all).toBe(1);
  const report = await suite.report();
  expect(outcomesOf(report)).toMatchObject({
    'test_broken.py::test_broken': 'failed',
    'test_flaky.py::test_fine': 'passed',
    'test_flaky.py::test_flaky': 'passed',
    'test_serial.py::test_alone': 'passed',
  });
  expect(report.totals).toMatchObject({ expected: 10, passed: 9, failed: 1, flaky: 2, notRun: 0 });
  const ran = new Map(report.tests.map(({ nodeid, attempts }) => [nodeid as string, attempts]));
  for (const nodeid of ['test_flaky.py::test_flaky', 'test_serial.py::test_alone']) {
    const attempts = ran.get(nodeid) ?? [];
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['failed', 'passed']);
    expect(new Set(attempts.map(({ agent }) => agent)).size).toBe(2);
  }
  expect(ran.get('test_broken.py::test_broken')).toHaveLength(3);
  expect(result.all).toMatch(/^FLAKY test_flaky\.py::test_flaky - failed on a[12], passed on a[12]: .*not yet/m);
  expect(await suite.read('out/junit.xml')).toMatch(/<flakyFailure/);
});

test('a test that fails, passes and fails again is named unstable, with its last runs', async () => {
  await using suite = await newProject({
    'test_some.py': 'import os\ndef test_now_and_then(): assert not os.path.exists("broken")\ndef test_fine(): pass\n',
  });
  const endings: string[] = [];
  for (const isBroken of [true, false, true]) {
    if (isBroken) await writeFile(join(suite.directory, 'broken'), '');
    else await rm(join(suite.directory, 'broken'));
    endings.push((await suite.shardline(['run', '--agents', '1', '-n', '1', '--out', 'out'])).all);
  }
  expect(endings[0]).not.toContain('UNSTABLE');
  expect(endings[2]).toMatch(/^UNSTABLE test_some\.py::test_now_and_then - failed in 2 of its last 3 runs$/m);
  const { history } = await suite.report();
  expect(history?.unstable).toEqual([{ nodeid: 'test_some.py::test_now_and_then', lastRuns: 'FPF' }]);
  expect(history?.slowest.map(({ usualSeconds }) => usualSeconds)).toEqual([expect.any(Number), expect.any(Number)]);
});

test('--flaky-fails fails a run with a flaky test, and -x does not stop at a test that passes when rerun', async () => {
  const { 'test_broken.py': _, ...healing } = project;
  await using suite = await newProject(healing);
  const result = await suite.shardline(
    ['run', '--agents', '1', '-n', '1', '--reruns', '1', '--reruns-limit', '2', '--flaky-fails', ...out, '--', '-x'],
    {},
  );
  expect(result.exitCode, result.all).toBe(1);
  const report = await suite.report();
  expect(report.totals).toMatchObject({ expected: 3, passed: 3, flaky: 2, notRun: 0 });
});
