// Compares the outcomes of each engine with those of plain pytest.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { nodeId, testFile } from '../../shared/domain/ids.ts';
import type { Selector } from '../../shared/domain/shard.ts';
import { collectModes } from '../../shared/domain/suite/suite-list.ts';
import { inJunitTerms, makeSuite, plainPytest, type Ran, type RunOptions, runAttempt, type Suite, selectors } from './suite.ts';

/** Filled by the first self-test. */
const cache = await mkdtemp(join(tmpdir(), 'shardline-test-cache-'));
afterAll(() => rm(cache, { recursive: true }));

const KINDS = `
import sys, unittest, warnings
import pytest

def test_pass(): pass
def test_fail(): print("seen out"); print("seen err", file=sys.stderr); assert 1 == 2, "reported"
@pytest.mark.skip(reason="not today")
def test_skip(): pass
@pytest.mark.xfail(reason="known")
def test_xfail(): assert 0
@pytest.mark.xfail(reason="mended")
def test_xpass(): pass
@pytest.mark.xfail(strict=True)
def test_xpass_strict(): pass
@pytest.mark.xfail(run=False)
def test_xfail_norun(): pass
@pytest.fixture
def bad_setup(): raise RuntimeError("set-up broke")
def test_setup_error(bad_setup): pass
@pytest.fixture
def bad_teardown():
    yield
    raise RuntimeError("teardown broke")
def test_teardown_error(bad_teardown): pass
def test_skip_inside(): pytest.skip("inside")
def test_xfail_inside(): pytest.xfail("inside")
@pytest.mark.parametrize("x", ["a b", "a/b", "[x]", "ü", "", "new\\nline", "@", "q.r"])
def test_param(x): pass
class TestClass:
    def test_in_class(self): pass
    class TestInner:
        def test_deep(self): assert False
class Old(unittest.TestCase):
    def test_old(self): self.assertEqual(1, 1)
    @unittest.expectedFailure
    def test_expected(self): self.fail()
    @unittest.skip("no")
    def test_unittest_skip(self): pass
`;

describe.each(collectModes)('collected by %s', (collect) => {
  const run = (suite: Suite, wanted: readonly Selector[], options: RunOptions = {}): Promise<Ran> =>
    runAttempt(suite, wanted, { collect, ...options });

  test('every kind of outcome equals that of plain pytest, with message, line and output', async () => {
    await using suite = await makeSuite({
      'tests/test_kinds.py': KINDS,
      'tests/test_more.py': 'def test_more(): pass\n',
      'mod.py': 'def f():\n    """\n    >>> 1 + 1\n    2\n    """\n',
      'tests/broken/conftest.py': '',
      'tests/broken/test_import.py': 'import nothing_of_that_name\n',
    });
    const args = ['--doctest-modules', '.'];
    const files = ['tests/test_kinds.py', 'tests/test_more.py', 'mod.py', 'tests/broken/test_import.py'];
    const ran = await run(suite, selectors(...files), { pytestArgs: args });

    expect(ran.ending).toEqual({ kind: 'finished' });
    expect(inJunitTerms(ran.outcomes)).toEqual(await plainPytest(suite, args));
    expect(ran.outcomes).toMatchObject({
      'tests/test_kinds.py::test_xpass': 'xpassed',
      'tests/test_kinds.py::test_xpass_strict': 'failed',
      'tests/test_kinds.py::test_teardown_error': 'error',
      'mod.py::mod.f': 'passed',
    });
    const by = (name: string) => ran.results.find((result) => result.nodeid === `tests/test_kinds.py::${name}`);
    expect(by('test_fail')).toMatchObject({ file: 'tests/test_kinds.py', line: 6, message: expect.stringContaining('reported') });
    expect(by('test_fail')?.sections).toEqual([
      { title: 'Captured stdout call', text: 'seen out\n' },
      { title: 'Captured stderr call', text: 'seen err\n' },
    ]);
    expect(by('test_skip')?.message).toContain('not today');
    expect(by('test_xfail')?.message).toBe('known');
    expect(by('test_pass')).toMatchObject({ message: null, sections: [] });
    expect(ran.peakRssBytes).toBeGreaterThan(10_000_000);
    expect(ran.cpuSeconds).toBeGreaterThan(0);

    const announced = ran.events.flatMap((event) => (event.kind === 'collected' ? event.nodeids : []));
    expect(new Set(announced)).toEqual(new Set(Object.keys(ran.outcomes)));
    expect(ran.events.filter((event) => event.kind === 'collect-failed')).toMatchObject([
      { file: 'tests/broken/test_import.py', errors: [{ message: expect.stringContaining('nothing_of_that_name') }] },
    ]);
  });

  test('reports each test as started before it finishes, and each file as collected once', async () => {
    await using suite = await makeSuite({
      'test_a.py': 'def test_1(): pass\ndef test_2(): pass\n',
      'test_empty.py': '',
      'test_once.py': 'import pytest\ndef test_1(): pass\n@pytest.mark.no_speculation\ndef test_2(): pass\n',
    });
    const ran = await run(suite, selectors('test_a.py', 'test_empty.py', 'test_once.py'));
    const collected = ran.events.filter((event) => event.kind === 'collected');
    expect(collected.map((event) => [event.file, event.nodeids.length, event.mayBackUp])).toEqual([
      ['test_a.py', 2, true],
      ['test_empty.py', 0, true],
      ['test_once.py', 2, false],
    ]);
    for (const nodeid of Object.keys(ran.outcomes)) {
      const started = ran.events.findIndex((event) => event.kind === 'test-started' && event.nodeid === nodeid);
      const finished = ran.events.findIndex((event) => event.kind === 'test-finished' && event.result.nodeid === nodeid);
      expect(started).toBeGreaterThanOrEqual(0);
      expect(finished).toBeGreaterThan(started);
    }
  });

  test('cuts long tracebacks and output in the middle, and escapes bytes that are not text', async () => {
    await using suite = await makeSuite({
      'test_loud.py': `
import sys
def test_loud():
    print("HEAD" + "x" * 3_000_000 + "TAIL")
    sys.stderr.buffer.write(b"bad \\xff\\x00 bytes")
    raise AssertionError("FIRST" + "y" * 500_000 + "LAST")
`,
    });
    const ran = await run(suite, selectors('test_loud.py'));
    const [result] = ran.results;
    const out = result?.sections.find((section) => section.title.includes('stdout'))?.text ?? '';
    expect(out).toMatch(/^HEADx+\n\[\.\.\. shardline cut \d+ bytes here \.\.\.\]\nx+TAIL\n$/);
    expect(out.length).toBeLessThan(65_000);
    expect(result?.message?.length).toBeLessThan(101_000);
    expect(result?.message).toContain('LAST');
    expect(result?.sections.find((section) => section.title.includes('stderr'))?.text).toContain('bad ');
  });

  test('-n 0 runs without xdist workers, the -n of a user overrides that of shardline, and auto is capped', async () => {
    await using suite = await makeSuite({ 'test_w.py': 'def test_w(): pass\ndef test_v(): assert 0\n' });
    const none = await run(suite, selectors('test_w.py'), { pytestArgs: ['-n', '0'] });
    expect(none.results.map((result) => result.worker)).toEqual(['main', 'main']);
    expect(none.ending).toEqual({ kind: 'finished' });
    expect(none.outcomes).toEqual({ 'test_w.py::test_w': 'passed', 'test_w.py::test_v': 'failed' });

    const two = await run(suite, selectors('test_w.py'), { pytestArgs: ['-n2'], numprocesses: '1' });
    expect(two.workers).toBe(2);
    const auto = await run(suite, selectors('test_w.py'), { numprocesses: 'auto', maxAutoWorkers: 1 });
    expect(auto.workers).toBe(1);
  });

  test('tests under --dist loadgroup keep the ids of plain pytest', async () => {
    await using suite = await makeSuite({
      'test_g.py': 'import pytest\n@pytest.mark.xdist_group("g")\ndef test_g(): pass\ndef test_h(): pass\n',
    });
    const ran = await run(suite, selectors('test_g.py::test_g'), { pytestArgs: ['--dist', 'loadgroup'] });
    expect(ran.outcomes).toEqual({ 'test_g.py::test_g': 'passed' });
    expect(ran.ending).toEqual({ kind: 'finished' });
  });

  test('describes a failure in one line as the short summary of plain pytest does', async () => {
    await using suite = await makeSuite({
      'test_s.py': `
import pytest
def test_lines(): raise ValueError("first\\nsecond")
def test_bare(): raise KeyError
def test_assert(): assert 0, "why\\nnot"
def test_no_trace(): pytest.fail("boom\\nsecond", pytrace=False)
def test_chain():
    try: raise OSError("inner")
    except OSError: raise RuntimeError("outer\\nmore")
@pytest.fixture
def bad(): raise OSError("set-up\\nmore")
def test_setup(bad): pass
`,
    });
    for (const tb of ['auto', 'native', 'short']) {
      const ran = await run(suite, selectors('test_s.py'), { pytestArgs: [`--tb=${tb}`] });
      const briefs = Object.fromEntries(ran.results.map(({ nodeid, brief }) => [nodeid, brief]));
      expect(briefs).toMatchObject({
        'test_s.py::test_lines': 'ValueError: first',
        'test_s.py::test_bare': 'KeyError',
        'test_s.py::test_assert': 'AssertionError: why',
        'test_s.py::test_no_trace': expect.stringMatching(/^(Failed: )?boom$/),
        'test_s.py::test_chain': 'RuntimeError: outer',
        'test_s.py::test_setup': 'OSError: set-up',
      });
    }
  });

  test('a traceback keeps the indentation of its first line', async () => {
    await using suite = await makeSuite({ 'test_i.py': 'class TestI:\n    def test_i(self):\n        assert 0\n' });
    const ran = await run(suite, selectors('test_i.py'));
    expect(ran.results[0]?.message).toMatch(/^self = .*\n\n {4}def test_i|^ {4}def test_i/);
  });

  test('a report without a pytest phase is a failure, as pytest-forked reports a crash', async () => {
    await using suite = await makeSuite({
      'conftest.py': `
import pytest
@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    from _pytest.reports import TestReport
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    report = TestReport(item.nodeid, item.location, {}, "failed", "CRASHED with signal 11", "???", [], 0.1)
    item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
`,
      'test_c.py': 'def test_c(): pass\n',
    });
    const ran = await run(suite, selectors('test_c.py'));
    expect(ran.results).toMatchObject([{ outcome: 'failed', brief: expect.stringContaining('CRASHED') }]);
  });

  test('a module that skips itself is one skipped test, as in plain pytest', async () => {
    await using suite = await makeSuite({
      'test_m.py': 'import pytest\npytest.importorskip("nothing_of_that_name")\ndef test_m(): pass\n',
      'test_n.py': 'def test_n(): pass\n',
    });
    const ran = await run(suite, selectors('test_m.py', 'test_n.py'));
    expect(ran.outcomes).toEqual({ 'test_m.py': 'skipped', 'test_n.py::test_n': 'passed' });
    expect(ran.results.find(({ nodeid }) => nodeid === 'test_m.py')?.message).toContain('nothing_of_that_name');
    expect(ran.ending).toEqual({ kind: 'finished' });
    const again = await run(suite, [{ kind: 'tests', file: testFile('test_m.py'), nodeids: [nodeId('test_m.py')] }]);
    expect(again.outcomes).toEqual({ 'test_m.py': 'skipped' });
  });
});
