// What only the engine that starts a pytest for each shard does.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually, isRunning } from '../support/eventually.ts';
import { makeSuite, openSuite, selectors } from './suite.ts';

/** Each main process of pytest leaves a line with its id. */
const countStarts =
  'import os\ndef pytest_configure(config):\n    if not hasattr(config, "workerinput"):\n        with open("starts.txt", "a") as out: out.write("%d\\n" % os.getpid())\n';
const waitsFor = (starts: number): string =>
  `import time\ndef test_quick(): pass\ndef test_also(): pass\ndef test_waits():\n    end = time.time() + 60\n    while len(open("starts.txt").readlines()) < ${starts}:\n        assert time.time() < end\n        time.sleep(0.02)\n`;

test('the next pytest starts while the last tests of this one run, if the queue has more, and runs what comes', async () => {
  await using suite = await makeSuite({
    'conftest.py': countStarts,
    'test_1.py': waitsFor(2),
    'test_2.py': waitsFor(3),
    'test_3.py': 'def test_last(): pass\n',
  });
  const more = [true, true, false];
  await using session = await openSuite(suite, { isMoreWaiting: async () => more.shift() ?? false });
  for (const file of ['test_1.py', 'test_2.py', 'test_3.py']) {
    const ran = await session.run(selectors(file));
    expect(ran.ending.kind).toBe('finished');
    expect(new Set(Object.values(ran.outcomes))).toEqual(new Set(['passed']));
  }
  // One was started when the session was opened, and none for nothing.
  expect((await readFile(join(suite.path, 'starts.txt'), 'utf8')).trim().split('\n')).toHaveLength(3);
});

test('a pytest that died while it waited is replaced, and costs no attempt', async () => {
  await using suite = await makeSuite({ 'conftest.py': countStarts, 'test_1.py': 'def test_x(): pass\n' });
  await using session = await openSuite(suite);
  let pid = 0;
  await eventually('it has said who it is', async () => {
    pid = Number(await readFile(join(suite.path, 'starts.txt'), 'utf8').catch(() => '0'));
    return pid > 0;
  });
  process.kill(pid, 'SIGKILL');
  await eventually('it is gone', () => !isRunning(pid));
  const ran = await session.run(selectors('test_1.py'));
  expect([ran.ending.kind, ran.outcomes]).toEqual(['finished', { 'test_1.py::test_x': 'passed' }]);
});

test('serial tests run in one xdist worker, whatever -n the user gives pytest', async () => {
  await using suite = await makeSuite({
    'test_s.py':
      'import pytest, time\n@pytest.mark.serial\n@pytest.mark.parametrize("n", range(4))\ndef test_s(n): time.sleep(0.05)\ndef test_other(): pass\n',
  });
  await using session = await openSuite(suite, { pytestArgs: ['-n', '3'] });
  const parallel = await session.run(selectors('test_s.py'));
  expect(parallel.outcomes).toEqual({ 'test_s.py::test_other': 'passed' });
  const ran = await session.run(selectors('test_s.py::test_s'), undefined, 'serial');
  expect(ran.results.map(({ worker }) => worker)).toEqual(['gw0', 'gw0', 'gw0', 'gw0']);
});

test('a file that kills the workers that import it is blamed by its name, in a shard of several', async () => {
  await using suite = await makeSuite({ 'test_1.py': 'def test_x(): pass\n', 'test_2.py': 'import os\nos._exit(3)\n' });
  await using session = await openSuite(suite, { numprocesses: '2' });
  const ran = await session.run(selectors('test_1.py', 'test_2.py'));
  expect(ran.ending.kind).toBe('crashed');
  expect(ran.events.filter(({ kind }) => kind === 'collect-failed')).toMatchObject([
    { file: 'test_2.py', message: expect.stringContaining('exited with code 3') },
  ]);
});
