// Replaces xdist workers at a file boundary: by their memory, and by the number of files they ran.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { streamEngine } from '../../agent/pytest/stream-engine.ts';
import { makeSuite, openSuite, type Ran, type RunOptions, type Suite, selectors } from './suite.ts';

const MB = 1_000_000;

/** Each file keeps 40 MB until its process exits. The log shows the session fixture of every worker, and every crash. */
const KEEPING = Object.fromEntries(
  Array.from({ length: 8 }, (_, index) => [
    `test_${index}.py`,
    `KEPT = bytearray(b"x" * 40_000_000)\ndef test_first(up): pass\ndef test_second(up): pass\n`,
  ]),
);
const CONFTEST = `
import os, pytest
LOG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "log.txt")
def log(text):
    with open(LOG, "a") as out: out.write(text + "\\n")
@pytest.fixture(scope="session")
def up(worker_id):
    log("up " + worker_id); yield; log("down " + worker_id)
def pytest_testnodedown(node, error): log("ended %s %s" % (node.gateway.id, error))
`;

/** Feeds all files at once, so that most of them wait. */
async function feedAll(suite: Suite, options: RunOptions): Promise<Ran[]> {
  await using session = await openSuite(suite, { engine: streamEngine(() => undefined), ...options });
  return await Promise.all(Object.keys(KEEPING).map((file) => session.run(selectors(file))));
}

const logOf = async (suite: Suite): Promise<string[]> => (await readFile(join(suite.path, 'log.txt'), 'utf8')).trim().split('\n');

test('replaces a worker over the memory limit, tears down its fixtures, loses no result and reports no crash', async () => {
  await using suite = await makeSuite({ ...KEEPING, 'conftest.py': CONFTEST });
  const limit = 150 * MB;
  const ran = await feedAll(suite, { maxWorkerBytes: limit, numprocesses: '2' });
  expect(ran.map(({ ending }) => ending.kind)).toEqual(ran.map(() => 'finished'));
  expect(ran.flatMap(({ results }) => results.map(({ outcome }) => outcome))).toEqual(Array.from({ length: 16 }, () => 'passed'));

  const log = await logOf(suite);
  const workers = new Set(ran.flatMap(({ results }) => results.map(({ worker }) => worker)));
  expect(workers.size).toBeGreaterThan(2);
  for (const worker of workers) {
    expect(log.filter((line) => line.endsWith(` ${worker}`))).toEqual([`up ${worker}`, `down ${worker}`]);
  }
  expect(log.filter((line) => line.startsWith('ended') && !line.endsWith(' None'))).toEqual([]);
  // Each of the two workers exceeds its limit by at most one file.
  expect(Math.max(...ran.map(({ peakRssBytes }) => peakRssBytes))).toBeLessThan(2 * (limit + 60 * MB));
});

test('replaces a worker that has run its number of files, and the next one runs the rest', async () => {
  await using suite = await makeSuite({ ...KEEPING, 'conftest.py': CONFTEST });
  const ran = await feedAll(suite, { maxWorkerFiles: 3, numprocesses: '1' });
  expect(ran.map(({ ending }) => ending.kind)).toEqual(ran.map(() => 'finished'));
  expect(ran.map(({ results }) => results[0]?.worker)).toEqual(['gw0', 'gw0', 'gw0', 'gw1', 'gw1', 'gw1', 'gw2', 'gw2']);
});

test('replaces no worker without a limit', async () => {
  await using suite = await makeSuite({ ...KEEPING, 'conftest.py': CONFTEST });
  const ran = await feedAll(suite, { numprocesses: '1' });
  expect(new Set(ran.map(({ results }) => results[0]?.worker))).toEqual(new Set(['gw0']));
});

test('a fixture that fails in its teardown makes the last test of a replaced worker an error', async () => {
  await using suite = await makeSuite({
    'conftest.py': 'import pytest\n@pytest.fixture(scope="session")\ndef up():\n    yield\n    raise RuntimeError("too late")\n',
    'test_a.py': 'def test_a(up): pass\n',
  });
  await using session = await openSuite(suite, { engine: streamEngine(() => undefined), numprocesses: '1', maxWorkerFiles: 1 });
  const ran = await session.run(selectors('test_a.py'));
  expect(ran.results).toMatchObject([{ outcome: 'error', message: expect.stringContaining('too late') }]);
  expect((await session.run(selectors('test_a.py'))).results[0]?.worker).toBe('gw1');
});
