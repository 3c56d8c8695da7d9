// Suites with their own collection hooks: the first run collects the whole suite, later runs collect by file if the hooks are proven harmless.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { recordedEvents } from '../support/recorded-events.ts';
import { newProject, type Project } from '../support/shardline.ts';

const TESTS = {
  'pytest.ini': '[pytest]\n',
  'tests/test_a.py': 'def test_1(): pass\ndef test_2(): pass\n',
  'tests/test_b.py': 'def test_1(): pass\n',
};

const MARKING = `
import pytest


def pytest_collection_modifyitems(config, items):
    for item in items:
        if "test_2" in item.name:
            item.add_marker(pytest.mark.skip(reason="not here"))
`;

const COUNTING = `
import pytest


def pytest_collection_modifyitems(config, items):
    for number, item in enumerate(items):
        item.user_properties.append(("seen", True))
`;

/** Makes two runs, and returns how each collected and why it restarted. */
async function twice(
  project: Project,
  args: readonly string[] = [],
): Promise<{ collect: string[]; restarted: unknown[]; exitCodes: (number | undefined)[] }> {
  const collect: string[] = [];
  const restarted: unknown[] = [];
  const exitCodes: (number | undefined)[] = [];
  for (const out of ['out-1', 'out-2']) {
    const { exitCode } = await project.shardline(['run', 'tests', '--out', out, '-n', '1', ...args]);
    exitCodes.push(exitCode);
    const [opening] = await recordedEvents(join(project.directory, out, 'events.ndjson'));
    collect.push(opening?.kind === 'run-opened' ? opening.spec.collect : '');
    restarted.push((await project.report(out)).restarted);
  }
  return { collect, restarted, exitCodes };
}

test('a hook that marks tests one by one is harmless, so the second run collects by file without a restart', async () => {
  await using project = await newProject({ ...TESTS, 'tests/conftest.py': MARKING });
  expect(await twice(project)).toEqual({ collect: ['suite', 'file'], restarted: [null, null], exitCodes: [0, 0] });
});

test('tests that change their own parameters do not change the digest of their file', async () => {
  const changing = `
import pytest

LISTS = [[1], [2]]


@pytest.mark.parametrize("values", LISTS, ids=["a", "b"])
def test_grows(values):
    values.append(3)


@pytest.mark.serial
def test_alone(): pass
`;
  await using project = await newProject({ ...TESTS, 'pytest.ini': '[pytest]\nmarkers = serial\n', 'tests/test_c.py': changing });
  expect(await twice(project)).toEqual({ collect: ['suite', 'file'], restarted: [null, null], exitCodes: [0, 0] });
});

test('a file with ids that pytest escapes has the same tests when it is collected again', async () => {
  const escaped = `
import pytest


@pytest.mark.parametrize("text", ["one", "two"], ids=lambda text: f"{text}\\n")
def test_text(text): pass


@pytest.mark.serial
def test_alone(): pass
`;
  await using project = await newProject({ ...TESTS, 'pytest.ini': '[pytest]\nmarkers = serial\n', 'tests/test_c.py': escaped });
  expect(await twice(project)).toEqual({ collect: ['suite', 'file'], restarted: [null, null], exitCodes: [0, 0] });
});

test('a file whose parameters come from a generator keeps its tests, although no process can collect it twice', async () => {
  const generating = `
import pytest


def numbers():
    yield 1
    yield 2


@pytest.mark.parametrize("number", numbers())
def test_number(number): pass


@pytest.mark.serial
@pytest.mark.parametrize("number", numbers())
def test_alone(number): pass
`;
  await using project = await newProject({ ...TESTS, 'pytest.ini': '[pytest]\nmarkers = serial\n', 'tests/test_c.py': generating });
  expect(await twice(project)).toEqual({ collect: ['suite', 'file'], restarted: [null, null], exitCodes: [0, 0] });
  expect((await project.report('out-2')).totals).toMatchObject({ expected: 7, passed: 7 });
  const asked = await project.shardline(['run', 'tests', '--collect', 'file', '-n', '1', '--out', 'asked']);
  expect(asked.exitCode, asked.all).toBe(0);
});

test('a hook that is not proven harmless makes every run collect the whole suite, until --harmless-hooks declares it', async () => {
  await using project = await newProject({ ...TESTS, 'tests/conftest.py': COUNTING });
  expect((await twice(project)).collect).toEqual(['suite', 'suite']);
  await using declared = await newProject({ ...TESTS, 'tests/conftest.py': COUNTING });
  const hook = ['--harmless-hooks', 'tests/conftest.py::pytest_collection_modifyitems'];
  expect(await twice(declared, hook)).toEqual({ collect: ['suite', 'file'], restarted: [null, null], exitCodes: [0, 0] });
});

// The test that needs the import takes longer than the others, so the second run begins with it.
test('a test that needs an import of another test file passes after a restart, and every worker of later runs imports that file', async () => {
  await using project = await newProject({
    'pytest.ini': '[pytest]\npythonpath = .\n',
    'pack/__init__.py': '',
    'pack/part.py': '',
    'tests/test_a.py': 'import time\nimport pack\n\n\ndef test_part():\n    time.sleep(0.5)\n    assert pack.part\n',
    'tests/test_b.py': 'import pack.part\n\n\ndef test_own(): pass\n',
  });
  const why = 'tests/test_a.py::test_part passes only beside modules that other test files load (pack.part)';
  expect(await twice(project)).toEqual({
    collect: ['suite', 'file'],
    restarted: [null, { why, voidTests: expect.any(Number) }],
    exitCodes: [0, 0],
  });
  expect(await twice(project)).toEqual({ collect: ['file', 'file'], restarted: [null, null], exitCodes: [0, 0] });
  // Nothing that an earlier run loaded may hide that the import is gone.
  await writeFile(join(project.directory, 'tests/test_b.py'), 'def test_own(): pass\n');
  expect(await twice(project)).toEqual({ collect: ['suite', 'file'], restarted: [null, null], exitCodes: [1, 1] });
  // Once the test imports what it needs, it passes again.
  await writeFile(join(project.directory, 'tests/test_a.py'), 'import pack.part\n\n\ndef test_part():\n    assert pack.part\n');
  expect(await twice(project)).toEqual({ collect: ['suite', 'file'], restarted: [null, null], exitCodes: [0, 0] });
});

test('a test that needs a module beside the test files passes in every run', async () => {
  await using project = await newProject({
    'pytest.ini': '[pytest]\n',
    'tests/helper.py': '',
    'tests/test_a.py': 'import sys, time\n\n\ndef test_needs():\n    time.sleep(0.5)\n    assert "helper" in sys.modules\n',
    'tests/test_b.py': 'import helper\n\n\ndef test_uses(): pass\n',
  });
  expect(await twice(project)).toEqual({ collect: ['suite', 'file'], restarted: [null, expect.anything()], exitCodes: [0, 0] });
});

test('a new data file restarts the run once, and later runs collect by file', async () => {
  await using project = await newProject({
    'pytest.ini': '[pytest]\n',
    'cases/one.txt': '',
    'tests/test_a.py': 'def test_1(): pass\n',
    'tests/test_z.py':
      'import pathlib, pytest\n\n\n@pytest.mark.parametrize("name", sorted(path.name for path in pathlib.Path("cases").iterdir()))\ndef test_case(name): pass\n',
  });
  const why = 'tests/test_z.py has other tests than when the whole suite was last collected';
  const first = await project.shardline(['run', 'tests', '--out', 'out-0', '-n', '1']);
  expect(first.exitCode).toBe(0);
  await writeFile(join(project.directory, 'cases/two.txt'), '');
  expect(await twice(project)).toEqual({
    collect: ['file', 'file'],
    restarted: [{ why, voidTests: expect.any(Number) }, null],
    exitCodes: [0, 0],
  });
  expect((await project.report('out-1')).totals).toMatchObject({ expected: 3, passed: 3 });
  expect((await project.report('out-2')).totals).toMatchObject({ expected: 3, passed: 3 });
});

test('a file that only one of two local agents can collect restarts the run, and quarantines no agent', async () => {
  await using project = await newProject({
    'pytest.ini': '[pytest]\n',
    // Only the first xdist worker that imports the file fails.
    'tests/test_a.py':
      'import os\nif "PYTEST_XDIST_WORKER" in os.environ:\n    try: os.mkdir("imported")\n    except FileExistsError: pass\n    else: raise ImportError("the first")\n\n\ndef test_1(): pass\n',
    'tests/test_b.py': 'import time\n\n\ndef test_2(): time.sleep(1)\n',
  });
  const { exitCode } = await project.shardline(['run', 'tests', '--collect', 'file', '--agents', '2', '-n', '1', '--out', 'out']);
  const { restarted, agents } = await project.report('out');
  expect([exitCode, restarted?.why]).toEqual([0, 'one process could collect tests/test_a.py, and another could not']);
  expect(agents.map(({ ended }) => ended)).not.toContain('quarantined');
});

// The first test takes longer than the other, so the second run begins with it, and another worker collects the other file meanwhile.
test('a file whose tests depend on another file makes later runs collect the whole suite', async () => {
  await using project = await newProject({
    'pytest.ini': '[pytest]\npythonpath = tests\n',
    'tests/reg.py': 'CASES = []\n',
    'tests/test_a.py': 'import reg, time; reg.CASES.append(1)\ndef test_a(): time.sleep(1)\n',
    'tests/test_z.py': 'import reg, pytest\n\n\n@pytest.mark.parametrize("case", list(reg.CASES))\ndef test_z(case): assert case\n',
  });
  const why = 'tests/test_z.py has other tests than when the whole suite was last collected';
  expect(await twice(project, ['-n', '2'])).toEqual({
    collect: ['suite', 'file'],
    restarted: [null, { why, voidTests: expect.any(Number) }],
    exitCodes: [0, 0],
  });
  const third = await project.shardline(['run', 'tests', '--out', 'out-3', '-n', '2']);
  const reason = 'every worker collects the whole suite: tests/test_z.py has other tests when it is collected by file';
  expect([third.exitCode, third.stderr]).toEqual([0, expect.stringContaining(reason)]);
});

// The test that must be alone takes longer than the others, so the second run begins with it and has not loaded the other file yet.
test('a test that fails only when the whole suite is collected restarts a run by file, until the test is fixed', async () => {
  await using project = await newProject({
    'pytest.ini': '[pytest]\npythonpath = .\n',
    'shop.py': 'PRICE = 1\n',
    'tests/test_a.py': 'import sys, time\n\n\ndef test_alone():\n    time.sleep(0.5)\n    assert "test_b" not in sys.modules\n',
    'tests/test_b.py': 'import shop\n\n\ndef test_price():\n    assert shop.PRICE == 1\n',
  });
  expect(await twice(project)).toEqual({
    collect: ['suite', 'file'],
    restarted: [
      null,
      { why: expect.stringMatching(/^tests\/test_a\.py::test_alone failed when the whole suite/), voidTests: expect.any(Number) },
    ],
    exitCodes: [1, 1],
  });
  await writeFile(join(project.directory, 'tests/test_a.py'), 'def test_alone(): pass\n');
  expect((await twice(project)).exitCodes).toEqual([0, 0]);
  expect((await project.report('out-2')).restarted).toBeNull();
});
