// Agents detect a pytest that cannot be fed, in a self-test before the run or by a file with missing results.

import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { selfTestCachedIn } from '../../agent/pytest/self-test.ts';
import { streamEngine } from '../../agent/pytest/stream-engine.ts';
import { collectModes } from '../../shared/domain/suite/suite-list.ts';
import { testPython } from '../support/python.ts';
import { makeSuite, openSuite, runAttempt, type Suite, selectors } from './suite.ts';

const directory = await mkdtemp(join(tmpdir(), 'shardline-test-cache-'));
afterAll(() => rm(directory, { recursive: true }));

const FILES = { 'test_a.py': 'def test_a(): pass\n' };

/** Opens and closes a session of this interpreter, and returns its messages. */
async function open(suite: Suite, cache: string, python = testPython()): Promise<readonly string[]> {
  const reported: string[] = [];
  await using session = await openSuite(suite, {
    engine: streamEngine((line) => reported.push(line), selfTestCachedIn(cache)),
    numprocesses: '1',
    python,
  });
  expect((await session.run(selectors('test_a.py'))).ending).toEqual({ kind: 'finished' });
  return reported;
}

test('runs the self-test once, and caches its result in a file that only the user can read', async () => {
  await using suite = await makeSuite(FILES);
  const cache = join(directory, 'once');
  expect(await open(suite, cache)).toEqual([]);
  const [name = '', ...others] = await readdir(cache);
  expect(others).toEqual([]);
  expect(JSON.parse(await readFile(join(cache, name), 'utf8'))).toMatchObject({ canBeFed: true, pytest: expect.stringMatching(/^\d+\./) });
  const { mode, mtimeMs } = await stat(join(cache, name));
  expect(mode & 0o777).toBe(0o600);

  expect(await open(suite, cache)).toEqual([]);
  expect((await stat(join(cache, name))).mtimeMs).toBe(mtimeMs);

  // A corrupt result is replaced.
  await writeFile(join(cache, name), '{"canBeFed": tr');
  expect(await open(suite, cache)).toEqual([]);
  expect(JSON.parse(await readFile(join(cache, name), 'utf8'))).toMatchObject({ canBeFed: true });
});

test('a cache that cannot be written has no other effect', async () => {
  await using suite = await makeSuite(FILES);
  const notADirectory = join(directory, 'file');
  await writeFile(notADirectory, '');
  expect(await open(suite, notADirectory)).toEqual([]);
});

test('does not feed a pytest that fails the self-test, prints the reason, and tests it again next time', async () => {
  // All names of pytest exist, but this interpreter does not find the fixtures of a package in its second file.
  await using suite = await makeSuite({
    ...FILES,
    'changed/sitecustomize.py': `import os, _pytest.fixtures
real = _pytest.fixtures.FixtureManager.getfixturedefs
def getfixturedefs(self, argname, node):
    if argname == "ups" and "test_two.py" in str(getattr(node, "nodeid", node)): return None
    return real(self, argname, node)
_pytest.fixtures.FixtureManager.getfixturedefs = getfixturedefs
`,
    python: `#!/bin/sh\nPYTHONPATH=${'$'}(dirname "${'$'}0")/changed exec ${testPython()} "${'$'}@"\n`,
  });
  const python = join(suite.path, 'python');
  await chmod(python, 0o755);
  const cache = join(directory, 'changed');
  for (let times = 0; times < 2; times += 1) {
    expect(await open(suite, cache, python)).toEqual([
      expect.stringMatching(
        /^every xdist worker here collects the whole suite: its self-test on a tiny project failed: expected ".*test_third\[1\] passed", got ".*test_third\[1\] error"$/,
      ),
    ]);
  }
});

test('an attempt with a test that has no result does not finish', async () => {
  await using suite = await makeSuite({
    'conftest.py': 'def pytest_runtest_protocol(item):\n    if item.name == "test_lost": return True\n',
    'test_s.py': 'def test_kept(): pass\ndef test_lost(): pass\n',
  });
  for (const collect of collectModes) {
    const ran = await runAttempt(suite, selectors('test_s.py'), { collect, numprocesses: '1' });
    expect(ran.ending).toMatchObject({ kind: 'crashed', detail: expect.stringContaining('without a result of test_s.py::test_lost') });
    expect(ran.outcomes).toEqual({ 'test_s.py::test_kept': 'passed' });
  }
});
