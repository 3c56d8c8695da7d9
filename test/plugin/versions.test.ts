// Older pytest and xdist in their own environments: pytest 8 is fed file by file, pytest 7 collects the whole suite.

import { expect, test } from 'vitest';
import { streamEngine } from '../../agent/pytest/stream-engine.ts';
import { environmentPython } from '../support/python.ts';
import { bothWays, feed, merged } from './compare.ts';
import { makeSuite } from './suite.ts';

const SUITE = {
  'pytest.ini': '[pytest]\naddopts = --doctest-modules\n',
  'conftest.py':
    'import pytest\n@pytest.fixture(scope="session", params=["p", "q"])\ndef both(request): return request.param\n@pytest.fixture\ndef name(): return "root"\n',
  'a/__init__.py': '',
  'a/conftest.py':
    'import pytest\ndef pytest_collection_modifyitems(items):\n    for item in items:\n        if "marked" in item.name: item.add_marker(pytest.mark.xfail(strict=True))\n@pytest.fixture(scope="package")\ndef package():\n    yield 1\n@pytest.fixture\ndef name(name): return name + "/a"\n',
  'a/test_a.py':
    'def test_name(name, package): assert name == "root/a"\ndef test_marked(): assert 0\ndef test_both(both): assert both == "p"\nclass TestC:\n    @classmethod\n    def setup_class(cls): cls.x = 1\n    def test_x(self): assert self.x == 1\n',
  'a/b/__init__.py': '',
  'a/b/test_same.py': 'def test_same(name): assert name == "root/a"\n',
  'c/__init__.py': '',
  'c/test_same.py':
    'import pytest\n@pytest.mark.parametrize("x", ["a::b", "ü", "x y", "", "new\\nline"])\ndef test_same(name, x): assert name == "root"\n',
  'test_u.py':
    'import unittest\nclass TestU(unittest.TestCase):\n    @classmethod\n    def setUpClass(cls): cls.x = 1\n    def test_x(self): self.assertEqual(self.x, 1)\n    def test_y(self): self.fail("no")\n    @unittest.skip("s")\n    def test_s(self): pass\n    @unittest.expectedFailure\n    def test_e(self): self.fail()\n',
  'mod.py': 'def f():\n    """\n    >>> 1 + 1\n    2\n    """\n',
  'test_skips.py': 'import pytest\npytest.importorskip("nothing_of_that_name")\n',
  'test_broken.py': 'import nothing_of_that_name\n',
  'test_t.py':
    'import pytest\n@pytest.fixture\ndef bad():\n    yield\n    raise RuntimeError("x")\ndef test_teardown(bad): pass\ndef test_caplog(caplog, capfd, tmp_path, monkeypatch): pass\n',
} as const;

const SUBTESTS = {
  'test_sub.py':
    'def test_some(subtests):\n    for i in range(3):\n        with subtests.test(i=i): assert i != 1\ndef test_all(subtests):\n    with subtests.test(i=0): pass\n',
};

test('pytest 8.4 with xdist 3.6 is fed and gives the outcomes of plain pytest, subtests included', async () => {
  await using suite = await makeSuite({ ...SUITE, ...SUBTESTS });
  const { plain, streamed, ran } = await bothWays(suite, [], { python: environmentPython('pytest-8') });
  expect(streamed).toEqual(plain);
  expect([Object.keys(plain.outcomes).length, plain.uncollected]).toEqual([21, ['test_broken.py']]);
  expect(new Set(ran.map(({ ending }) => ending.kind))).toEqual(new Set(['finished']));
});

test('pytest 8.4 with xdist 3.6 reports each crash at its test or file and loses no other result', async () => {
  await using suite = await makeSuite({
    'conftest.py': 'import pytest\n@pytest.fixture(scope="session")\ndef late():\n    yield\n    raise RuntimeError("too late")\n',
    'test_k.py': 'import os\ndef test_1(late): pass\ndef test_2(): os._exit(7)\ndef test_3(): pass\n',
    'test_i.py': 'import os\nos._exit(3)\n',
    'test_e.py': 'import sys\nsys.exit(4)\n',
    'test_o.py': 'def test_o(late): pass\n',
  });
  const ran = await feed(suite, ['test_k.py', 'test_i.py', 'test_e.py', 'test_o.py'], { python: environmentPython('pytest-8') });
  const failed = ran.flatMap(({ events }) =>
    events.flatMap((event) => (event.kind === 'collect-failed' ? event.errors.map(({ message }) => [event.file, message]) : [])),
  );
  expect(merged(ran)).toEqual({
    'test_k.py::test_1': 'passed',
    'test_k.py::test_2': 'error',
    'test_k.py::test_3': 'passed',
    'test_o.py::test_o': 'error',
  });
  expect(failed).toEqual([
    ['test_i.py', expect.stringContaining('exited with code 3')],
    ['test_e.py', expect.stringContaining('SystemExit: 4')],
  ]);
  const late = ran.flatMap(({ results }) => results).filter(({ nodeid, outcome }) => nodeid === 'test_o.py::test_o' && outcome === 'error');
  expect(late.map(({ message }) => message)).toEqual([expect.stringContaining('too late')]);
});

test('pytest 7.0 with xdist 3.0 collects the whole suite, prints the reason, and gives the outcomes of plain pytest', async () => {
  await using suite = await makeSuite(SUITE);
  const reported: string[] = [];
  const engine = streamEngine((line) => reported.push(line));
  const { plain, streamed } = await bothWays(suite, [], { python: environmentPython('pytest-7'), engine });
  expect(streamed).toEqual(plain);
  expect([Object.keys(plain.outcomes).length, plain.uncollected]).toEqual([19, ['test_broken.py']]);
  expect(reported).toEqual([expect.stringContaining('pytest is older than version 8')]);
});
