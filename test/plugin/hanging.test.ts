// Tests that hang or crash in real pytest: only they are lost, and their error shows all that is known.

import { expect, test } from 'vitest';
import { streamEngine } from '../../agent/pytest/stream-engine.ts';
import { collectModes } from '../../shared/domain/suite/suite-list.ts';
import { makeSuite, openSuite, runAttempt, selectors } from './suite.ts';

const hanging = `
import os, signal, time, pytest
def test_before(): pass
def test_hang():
    time.sleep(600)
def test_between(): pass
@pytest.fixture
def slow_teardown():
    yield
    while True: time.sleep(600)
def test_teardown(slow_teardown): pass
def test_deaf():
    signal.signal(signal.SIGABRT, signal.SIG_IGN)
    time.sleep(600)
def test_segfault(): os.kill(os.getpid(), signal.SIGSEGV)
def test_killed(): os.kill(os.getpid(), signal.SIGKILL)
def test_after(): pass
`;

test.each(collectModes)('collected by %s: kills only the test that hangs, in any phase, and reports its stack', async (collect) => {
  await using suite = await makeSuite({ 'test_h.py': hanging });
  const ran = await runAttempt(suite, selectors('test_h.py'), { collect, numprocesses: '1', testTimeoutSeconds: 1.5 });
  expect(ran.outcomes).toEqual({
    'test_h.py::test_before': 'passed',
    'test_h.py::test_hang': 'error',
    'test_h.py::test_between': 'passed',
    'test_h.py::test_teardown': 'error',
    'test_h.py::test_deaf': 'error',
    'test_h.py::test_segfault': 'error',
    'test_h.py::test_killed': 'error',
    'test_h.py::test_after': 'passed',
  });
  expect(ran.ending.kind).toBe('finished');
  const messageOf = (name: string): string => ran.results.find(({ nodeid }) => nodeid.endsWith(name))?.message ?? '';
  expect(messageOf('test_hang')).toMatch(
    /^xdist worker gw\d+ crashed while running test_h\.py::test_hang: it was killed by SIGABRT as it was still running after 1\.5 s, the --test-timeout\n\nFatal Python error: Aborted\n/,
  );
  expect(messageOf('test_hang')).toMatch(/File ".*test_h\.py", line 5 in test_hang/);
  expect(messageOf('test_teardown')).toMatch(/line 10 in slow_teardown/);
  expect(messageOf('test_deaf')).toMatch(/killed by SIGKILL as it was still running/);
  expect(messageOf('test_segfault')).toMatch(
    /SIGSEGV after \d+\.\d s\n\nFatal Python error: Segmentation fault[\s\S]*line 15 in test_segfault/,
  );
  expect(messageOf('test_killed')).toMatch(/SIGKILL \(as the kernel does when memory runs out\) after \d/);
});

test('kills a package fixture that hangs in its teardown, blames the last test, and runs the next files', async () => {
  const conftest = 'import pytest, time\n@pytest.fixture(scope="package")\ndef held():\n    yield\n    while True: time.sleep(600)\n';
  await using suite = await makeSuite({
    'pkg/__init__.py': '',
    'pkg/conftest.py': conftest,
    'pkg/test_p.py': 'def test_x(held): pass\n',
    'test_z.py': 'def test_x(): pass\n',
  });
  const engine = streamEngine(() => undefined);
  const ran = await runAttempt(suite, selectors('pkg/test_p.py', 'test_z.py'), { engine, numprocesses: '1', testTimeoutSeconds: 1 });
  expect(ran.outcomes).toEqual({ 'pkg/test_p.py::test_x': 'error', 'test_z.py::test_x': 'passed' });
  expect(ran.results.find(({ outcome }) => outcome === 'error')?.message).toMatch(
    /^xdist worker gw\d+ crashed while running pkg\/test_p\.py::test_x: [\s\S]* as it was still running after 1 s, the --test-timeout[\s\S]*line 5 in held/,
  );
});

test('replaces a session whose only xdist worker died and whose replacement worker hangs at its start', async () => {
  // The first worker is gw0, its replacement gw1, and the first of the next session gw2.
  await using suite = await makeSuite({
    'conftest.py': 'import os, time\nif os.environ.get("PYTEST_XDIST_WORKER") == "gw1": time.sleep(600)\n',
    'test_a.py': 'import os\ndef test_dies(): os._exit(3)\n',
    'test_z.py': 'def test_x(): pass\n',
  });
  const engine = streamEngine(() => undefined, null, 1000);
  await using session = await openSuite(suite, { engine, numprocesses: '1' });
  const died = await session.run(selectors('test_a.py', 'test_z.py'));
  expect(died.outcomes).toEqual({ 'test_a.py::test_dies': 'error' });
  expect(died.ending).toMatchObject({
    kind: 'crashed',
    detail: expect.stringContaining('no replacement xdist worker was ready within 1 s'),
  });
  expect((await session.run(selectors('test_z.py'))).outcomes).toEqual({ 'test_z.py::test_x': 'passed' });
});

test('tests wait for an xdist worker that hangs at its start only as long as for a replacement', async () => {
  await using suite = await makeSuite({
    'conftest.py': 'import os, time\nif os.environ.get("PYTEST_XDIST_WORKER") == "gw1": time.sleep(6)\n',
    'test_a.py': 'def test_1(): pass\n',
  });
  const reported: string[] = [];
  const engine = streamEngine((line) => reported.push(line), null, 1000);
  const ran = await runAttempt(suite, selectors('test_a.py'), { engine, numprocesses: '2' });
  expect([ran.ending.kind, ran.outcomes]).toEqual(['finished', { 'test_a.py::test_1': 'passed' }]);
  expect(reported).toEqual(['starting tests before every xdist worker is ready: no other worker became ready within 1 s']);
});

test('a test that hangs without xdist workers is an error', async () => {
  await using suite = await makeSuite({ 'test_h.py': 'import time\ndef test_hang(): time.sleep(600)\n' });
  const ran = await runAttempt(suite, selectors('test_h.py'), { pytestArgs: ['-n', '0'], testTimeoutSeconds: 1 });
  expect(ran.outcomes).toEqual({ 'test_h.py::test_hang': 'error' });
  expect(ran.results[0]?.message).toMatch(/it was ended as it was still running after 1 s[\s\S]*line 2 in test_hang/);
});
