// `shardline audit` with real pytest and real Redis, on a suite with one of each problem that an audit finds.

import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { newProject } from '../support/shardline.ts';

const suite = {
  'pyproject.toml': '[tool.pytest.ini_options]\naddopts = "-n 3 -x"\n',
  'heavy/__init__.py': 'import time\ntime.sleep(0.4)\n',
  'conftest.py':
    'import heavy, pytest, time\n@pytest.fixture\ndef slow_to_make():\n    time.sleep(0.3)\n@pytest.fixture(scope="session")\ndef made_once(): pass\n',
  'test_a.py':
    'import os\ndef test_slow(slow_to_make, made_once): pass\ndef test_too(slow_to_make): pass\ndef test_broken(): assert 0\ndef test_alone():\n    assert "PYTEST_XDIST_WORKER" not in os.environ\n',
  'test_b.py': 'import pytest\n@pytest.mark.parametrize("name", ["<b>|`x`", "plain"])\ndef test_named(name): pass\n',
};

test('names the slow import, the slow fixture and the test that fails only in parallel, and does not change the suite', async () => {
  await using project = await newProject(suite);
  const result = await project.shardline(['audit', '--agents', '1', '-n', '2', '--out', 'out']);
  expect(result.exitCode, result.all).toBe(1);
  const page = await project.read('out/audit.md');
  expect(page).toMatch(/\| `heavy` \| \S+ s \| \S+ s \| `conftest` \|/);
  expect(page).toMatch(/\| `slow_to_make` \| function \| 2 times \| \S+ s \| `conftest.py` \|/);
  expect(page).toContain('| `test_a.py::test_alone` | pytest -n, shardline, pytest -n, again | one after another, by itself |');
  expect(page).toContain('# test_a.py:5\n@pytest.mark.serial\ndef test_alone(…');
  expect(page).toContain('Failed in every execution, so isolation is not the cause: `test_a.py::test_broken`.');
  expect(page).toMatch(/\| pytest, one process \| .* \| 6 \| 1 \|\n\| pytest -n 2 \| .* \| 6 \| 2 \|\n\| shardline \| .* \| 6 \| 2 \|/);
  expect(page).toContain('each of 2 workers collected the same 2 files');
  expect(page).toMatch(/avoid importing `heavy`.* \| at most \S+ s \| predicted \|/);
  expect(page).toContain('For the measured run the same prediction gives');
  expect(result.stdout).toContain('isolation: 1 test that fails only in parallel');
  expect(result.stderr).toMatch(/^shardline: \S+ s: pytest, one test after another$/m);
  const html = await project.read('out/audit.html');
  expect(html).not.toContain('<b>');
  expect(html.match(/<script/g)).toHaveLength(2);
  const left = (await readdir(project.directory)).filter((name) => name !== '__pycache__');
  expect(left.sort()).toEqual([...Object.keys(suite).map((name) => name.split('/', 1)[0]), 'out'].sort());
});

test('a baseline replaces the sequential execution, and a step that hangs is cut off and reported as partial (exit 10)', async () => {
  await using project = await newProject({
    'before.xml': '<testsuites><testsuite><testcase classname="test_a" name="test_quick" time="0.5"/></testsuite></testsuites>',
    'test_a.py': 'import time\ndef test_quick(): pass\n',
    'test_b.py':
      'import pathlib, time\ndef test_hangs_once():\n    been = pathlib.Path("been")\n    if not been.exists():\n        been.write_text("")\n        time.sleep(600)\n',
  });
  const result = await project.shardline([
    'audit',
    '-n',
    '1',
    '--baseline',
    'before.xml',
    '--step-limit',
    '20s',
    '--out',
    'out',
    '--quiet',
  ]);
  expect(result.exitCode, result.all).toBe(10);
  expect(result.stderr).toBe('');
  const page = await project.read('out/audit.md');
  expect(page).not.toContain('pytest, one process');
  expect(page).toContain('It has 1 test, 0 of them failed, and its tests took 0.50 s in total');
  expect(page).toMatch(/\| pytest -n 1 \| \S+ s, cut off \| unknown \|/);
  expect(page).not.toContain('Predicted for more agents');
});

test('exits 5 without tests, 4 for a missing path and 2 for an interrupt', async () => {
  await using project = await newProject({
    'empty/readme.txt': '',
    'tests/test_a.py': 'import pathlib, time\npathlib.Path("here").write_text("")\ndef test_slow(): time.sleep(600)\ntime.sleep(600)\n',
  });
  expect((await project.shardline(['audit', 'empty', '--out', 'out'])).exitCode).toBe(5);
  const missing = await project.shardline(['audit', 'nowhere', '--out', 'out']);
  expect(missing.exitCode, missing.all).toBe(4);
  expect(missing.stderr).toContain('nowhere');
  const running = project.shardline(['audit', 'tests', '--out', 'out']);
  await eventually('the module is imported', () => project.holds('here'));
  running.kill('SIGINT');
  const { exitCode, all } = await running;
  expect(exitCode, all).toBe(2);
  expect(all).not.toMatch(/internal|^\s+at /m);
});
