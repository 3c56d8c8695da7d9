// How a suite with collection hooks of its own is collected: whole in its first run, by file from the second on where its hooks are shown to be harmless.

import { expect, test } from 'vitest';
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

/** Two runs, one after the other: how each collected, and why it began anew. */
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
    const [opening = ''] = (await project.read(`${out}/events.ndjson`)).split('\n', 1);
    collect.push((JSON.parse(opening) as { spec: { collect: string } }).spec.collect);
    restarted.push((await project.report(out)).restarted);
  }
  return { collect, restarted, exitCodes };
}

test('a hook that marks tests one by one is harmless: the second run collects by file, and does not begin anew', async () => {
  await using project = await newProject({ ...TESTS, 'tests/conftest.py': MARKING });
  expect(await twice(project)).toEqual({ collect: ['suite', 'file'], restarted: [null, null], exitCodes: [0, 0] });
});

test('a hook that is not shown to be harmless keeps the whole list, until --harmless-hooks declares it', async () => {
  await using project = await newProject({ ...TESTS, 'tests/conftest.py': COUNTING });
  expect((await twice(project)).collect).toEqual(['suite', 'suite']);
  await using declared = await newProject({ ...TESTS, 'tests/conftest.py': COUNTING });
  const hook = ['--harmless-hooks', 'tests/conftest.py::pytest_collection_modifyitems'];
  expect(await twice(declared, hook)).toEqual({ collect: ['suite', 'file'], restarted: [null, null], exitCodes: [0, 0] });
});
