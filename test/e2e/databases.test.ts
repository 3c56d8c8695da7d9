// The worker ids and numbers that suites use to name databases and ports, with several agents on one machine.

import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { newProject } from '../support/shardline.ts';

/** Every test waits until all four workers have made their folders. One agent cannot hold all the files at once. */
const FILES = {
  'pytest.ini': '[pytest]\n',
  'conftest.py': `import os, time
import pytest
@pytest.fixture(scope="session", autouse=True)
def databases(worker_id):
    os.mkdir("db_" + worker_id)
    os.mkdir("number_" + os.environ["SHARDLINE_WORKER"])
@pytest.fixture
def all_there():
    for _ in range(6000):
        if len([name for name in os.listdir(".") if name.startswith("number_")]) == 4: return
        time.sleep(0.01)
    raise AssertionError("there are not four workers")
`,
  ...Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`test_${index}.py`, 'def test_waits(all_there): pass\n'])),
};

test('worker ids and SHARDLINE_WORKER are unique across two agents with two xdist workers each', async () => {
  await using project = await newProject(FILES);
  const { exitCode, all } = await project.shardline(['run', '--agents', '2', '-n', '2']);
  expect(exitCode, all).toBe(0);
  const made = (await readdir(project.directory)).filter((name) => /^(db|number)_/.test(name));
  expect(made.toSorted()).toEqual(['db_gw0', 'db_gw1', 'db_gw2', 'db_gw3', 'number_0', 'number_1', 'number_2', 'number_3']);
});
