// Sessions on other machines get the coordinator's pytest cache, and pytest selects tests from it as from a cache of its own.

import { cp, readFile, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { readCacheValues } from '../../shared/pytest/cache-directory.ts';
import { testPython } from '../support/python.ts';
import { newProject } from '../support/shardline.ts';

const lib = fileURLToPath(new URL('../../shared/pytest/plugin/lib', import.meta.url));

/** Replaces the cache as our plugin does, also in xdist workers. Records the tests in order, the count of `--sw`, and maxfail. */
const probe = `
import json, os
from shardline_pytest.cache import CacheGuard, stepwise_count
def pytest_configure(config):
    config.pluginmanager.register(CacheGuard({"cache": json.loads(os.environ["SHIPPED"]), "stopsItself": True}))
def pytest_collection_finish(session):
    path = os.path.join(os.environ["SEEN"], os.environ.get("PYTEST_XDIST_WORKER", "main"))
    with open(path, "w") as file:
        json.dump([[item.nodeid for item in session.items], stepwise_count(session.config), session.config.option.maxfail], file)
`;
const spy =
  'import os, json\ndef pytest_collection_finish(session):\n    json.dump([i.nodeid for i in session.items], open("seen", "w"))\n';

const suite = {
  'test_a.py': 'import pytest\n@pytest.mark.parametrize("n", range(6))\ndef test_n(n): assert n not in (2, 4)\n',
  'test_b.py': 'def test_bad(): assert 0\ndef test_fine(): pass\n',
  'test_c.py': 'def test_fine(): pass\n',
};

test.each([
  [['--lf'], 3, 0],
  [['--ff'], 10, 0],
  [['--nf'], 10, 0],
  [['--lf', 'test_c.py'], 1, 0],
  [['--sw'], 7, 1],
  [['--sw-skip', '--maxfail=5'], 7, 2],
] as const)('%j selects the tests that plain pytest selects with the same cache', { timeout: 300_000 }, async (options, count, limit) => {
  const added = { 'test_new.py': 'def test_new(): pass\n' };
  await using theirs = await newProject({ ...suite, 'spy.py': spy });
  await using ours = await newProject({ ...suite, ...added, 'probe.py': probe });
  // --nf sorts by the time of the last change, and the files of a project are written in any order.
  for (const { directory } of [theirs, ours])
    for (const [index, name] of Object.keys(suite).entries()) await utimes(join(directory, name), index + 1, index + 1);
  const python = (cwd: string, args: readonly string[], env: Record<string, string>) =>
    execa(testPython(), ['-m', 'pytest', '-q', '-p', 'no:randomly', ...args], { cwd, env, reject: false, all: true });
  await python(theirs.directory, ['--maxfail=100'], {});
  await python(theirs.directory, ['--sw'], {});
  const shipped = await readCacheValues(join(theirs.directory, '.pytest_cache'));
  await cp(join(ours.directory, 'test_new.py'), join(theirs.directory, 'test_new.py'), { preserveTimestamps: true });
  // --sw records the number of tests, and restarts when that number differs.
  if (limit > 0) await Promise.all([ours, theirs].map(({ directory }) => rm(join(directory, 'test_new.py'))));

  await python(theirs.directory, ['-p', 'spy', ...options], { PYTHONPATH: theirs.directory });
  const expected = JSON.parse(await theirs.read('seen')) as string[];
  for (const workers of [[], ['-n', '1']]) {
    const env = { PYTHONPATH: `${lib}:${ours.directory}`, SHIPPED: JSON.stringify(shipped), SEEN: ours.directory };
    const ran = await python(ours.directory, ['-p', 'probe', ...workers, ...options], env);
    const [seen, asked, maxfail] = JSON.parse(await readFile(join(ours.directory, workers.length === 0 ? 'main' : 'gw0'), 'utf8'));
    expect(seen, ran.all).toEqual(expected);
    expect(ran.all).not.toContain('INTERNALERROR');
    if (limit > 0) expect([9, null]).toContain(asked);
    expect(maxfail).toBe(limit);
    expect(ours.holds('.pytest_cache/v/cache'), 'it wrote the coordinator’s values').toBe(false);
  }
  expect(expected).toHaveLength(count);
});

test('named tests that are gone cause no error when pytest collects the whole suite', async () => {
  await using project = await newProject({
    ...suite,
    'probe.py':
      'from shardline_pytest.named_tests import NamedTests\ndef pytest_configure(config): config.pluginmanager.register(NamedTests())\n',
  });
  const named = ['test_a.py::test_n[2]', 'test_a.py::test_gone', 'test_b.py::TestGone', 'test_c.py', 'test_gone.py::test_x'];
  const run = (args: readonly string[]) =>
    execa(testPython(), ['-m', 'pytest', '-p', 'probe', '-p', 'no:randomly', '-rA', ...args], {
      cwd: project.directory,
      env: { PYTHONPATH: `${lib}:${project.directory}` },
      reject: false,
      all: true,
    });
  const ran = await run(named);
  expect(ran.exitCode, ran.all).toBe(1);
  expect(ran.all.match(/^(PASSED|FAILED) \S+/gm)).toEqual(['PASSED test_c.py::test_fine', 'FAILED test_a.py::test_n[2]']);
  expect(ran.all).not.toMatch(/deselected/);
  expect((await run(['test_gone.py::test_x'])).exitCode).toBe(4);
});

test('ignores cache values in an unknown format', async () => {
  await using project = await newProject({
    'test_a.py': '',
    '.pytest_cache/v/cache/lastfailed': '[1]',
    '.pytest_cache/v/cache/nodeids': '{',
  });
  expect(await readCacheValues(join(project.directory, '.pytest_cache'))).toEqual({ lastfailed: [], nodeids: [], stepwise: null });
});
