// The suite that storms run: every kind of outcome, tests that crash, and fixtures with a wide scope.

/** Tests that kill their process: they are errors on every agent. */
export const crashing: readonly string[] = ['tests/test_crash.py::test_exits', 'tests/test_crash.py::test_segfaults'];

const plainTests = (index: number): string =>
  [
    'import time, pytest',
    '@pytest.fixture(scope="module")',
    'def prepared():',
    '    time.sleep(0.05)',
    '    yield 1',
    ...[0, 1, 2, 3].map((at) => `def test_${at}(prepared): time.sleep(${((index * 7 + at * 3) % 5) * 0.06 + 0.05})`),
    `@pytest.mark.parametrize("value", ["a", "b::c", "d e"])\ndef test_value(value): assert value != "${index % 3 === 0 ? 'b::c' : ''}"`,
    '',
  ].join('\n');

/** Path → content. About 12 s of tests. */
export const suite: Readonly<Record<string, string>> = {
  'pytest.ini': '[pytest]\ntestpaths = tests\naddopts = -p no:cacheprovider\n',
  ...Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`tests/test_${index}.py`, plainTests(index)])),
  'tests/test_kinds.py': [
    'import pytest, time',
    '@pytest.fixture',
    'def broken(): raise RuntimeError("set-up")',
    'def test_error(broken): pass',
    'def test_fails(): time.sleep(0.1); assert 1 == 2',
    '@pytest.mark.skip(reason="not now")',
    'def test_skipped(): pass',
    '@pytest.mark.xfail',
    'def test_xfails(): assert False',
    '@pytest.mark.xfail',
    'def test_xpasses(): pass',
    'def test_long(): time.sleep(1.5)',
    '',
  ].join('\n'),
  'tests/test_crash.py': [
    'import ctypes, os',
    'def test_before(): pass',
    'def test_exits(): os._exit(7)',
    'def test_between(): pass',
    'def test_segfaults(): ctypes.string_at(0)',
    'def test_after(): pass',
    '',
  ].join('\n'),
};
