// The worker ids and numbers that suites use to name databases and ports, with several agents on one machine.

import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { newProject } from '../support/shardline.ts';

/**
 * Every test waits until all four workers have locked their numbers. One agent cannot hold all the files at once. A worker that replaces
 * another has the number of that one, whose lock ended with it.
 */
const FILES = {
  'pytest.ini': '[pytest]\n',
  'conftest.py': `import fcntl, os, time
import pytest
@pytest.fixture(scope="session", autouse=True)
def databases(worker_id):
    os.mkdir("db_" + worker_id)
    with open("number_" + os.environ["SHARDLINE_WORKER"], "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
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
  const made = await readdir(project.directory);
  expect(made).toEqual(expect.arrayContaining(['db_gw0', 'db_gw1', 'db_gw2', 'db_gw3']));
  expect(made.filter((name) => name.startsWith('number_')).toSorted()).toEqual(['number_0', 'number_1', 'number_2', 'number_3']);
});
