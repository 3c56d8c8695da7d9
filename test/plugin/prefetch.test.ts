// Files queued at a busy xdist worker: the first worker that is free runs them, exactly once, or the session hands them back.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { streamEngine } from '../../agent/pytest/stream-engine.ts';
import type { AttemptEvent } from '../../shared/domain/events.ts';
import { eventually } from '../support/eventually.ts';
import { makeSuite, openSuite, type Suite, selectors } from './suite.ts';

/** Every test records that it runs. `test_waiting.py` waits for the file `go`. */
const FILES = {
  'conftest.py': `import os
HERE = os.path.dirname(os.path.abspath(__file__))
def pytest_runtest_setup(item):
    with open(os.path.join(HERE, "ran.txt"), "a") as out: out.write(item.name + "\\n")
`,
  'test_waiting.py': `import os, time
def test_waiting():
    for _ in range(3000):
        if os.path.exists(os.path.join(os.path.dirname(__file__), "go")): return
        time.sleep(0.01)
    assert False, "nobody said so"
`,
  'test_quick.py': 'def test_quick(): pass\n',
  'test_next.py': 'def test_next(): pass\n',
  'test_going.py': 'import os\ndef test_going(): open(os.path.join(os.path.dirname(__file__), "go"), "w").close()\n',
  'test_killing.py': 'import os, signal\ndef test_killing(): os.kill(os.getpid(), signal.SIGKILL)\n',
};

const open = (suite: Suite, numprocesses: string) => openSuite(suite, { engine: streamEngine(() => undefined), numprocesses });
const ran = async (suite: Suite): Promise<string[]> =>
  (await readFile(join(suite.path, 'ran.txt'), 'utf8').catch(() => '')).split('\n').filter(Boolean);

test('an idle worker runs a file that is queued at a busy worker', async () => {
  await using suite = await makeSuite(FILES);
  await using session = await open(suite, '2');
  const runs = ['test_waiting.py', 'test_quick.py', 'test_going.py'].map((file) => session.run(selectors(file)));
  const endings = (await Promise.all(runs)).map(({ ending, outcomes }) => [ending.kind, ...Object.values(outcomes)]);
  expect(endings).toEqual([
    ['finished', 'passed'],
    ['finished', 'passed'],
    ['finished', 'passed'],
  ]);
  expect((await ran(suite)).toSorted()).toEqual(['test_going', 'test_quick', 'test_waiting']);
});

test('hands back files that have not started at once, and never runs them', async () => {
  await using suite = await makeSuite(FILES);
  await using session = await open(suite, '1');
  const stop = new AbortController();
  const waiting = session.run(selectors('test_waiting.py'));
  await eventually('the first test runs', async () => (await ran(suite)).length === 1);
  const others = ['test_quick.py', 'test_next.py'].map((file) => session.run(selectors(file), undefined, 'primary', stop.signal));
  stop.abort('shutdown');
  for (const { ending, events } of await Promise.all(others)) {
    expect(ending).toEqual({ kind: 'interrupted', by: 'shutdown' });
    expect(events).toEqual([]);
  }
  await writeFile(join(suite.path, 'go'), '');
  expect((await waiting).ending.kind).toBe('finished');
  expect((await session.run(selectors('test_next.py'))).outcomes).toEqual({ 'test_next.py::test_next': 'passed' });
  expect(await ran(suite)).toEqual(['test_waiting', 'test_next']);
});

test('the replacement of a dead worker runs the files that were queued at it', async () => {
  await using suite = await makeSuite(FILES);
  await using session = await open(suite, '1');
  const runs = ['test_killing.py', 'test_quick.py', 'test_next.py'].map((file) => session.run(selectors(file)));
  expect((await Promise.all(runs)).map(({ outcomes }) => outcomes)).toEqual([
    { 'test_killing.py::test_killing': 'error' },
    { 'test_quick.py::test_quick': 'passed' },
    { 'test_next.py::test_next': 'passed' },
  ]);
  expect(await ran(suite)).toEqual(['test_killing', 'test_quick', 'test_next']);
});

test('interrupting one file does not stop the next file', async () => {
  await using suite = await makeSuite({ ...FILES, 'test_two.py': 'import time\ndef test_1(): time.sleep(0.2)\ndef test_2(): pass\n' });
  await using session = await open(suite, '1');
  const stop = new AbortController();
  const stopAtFirst = (event: AttemptEvent): boolean => {
    if (event.kind === 'test-started') stop.abort('shutdown');
    return false;
  };
  const stopped = session.run(selectors('test_two.py'), stopAtFirst, 'primary', stop.signal);
  const next = session.run(selectors('test_next.py'));
  expect((await stopped).outcomes).toEqual({ 'test_two.py::test_1': 'passed' });
  expect((await next).ending).toEqual({ kind: 'finished' });
});
