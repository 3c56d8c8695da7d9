// Warnings, sections, header and properties of two agents with two xdist workers each, compared with plain pytest.

import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { warningCount } from '../../shared/domain/shown.ts';
import { testPython } from '../support/python.ts';
import { newProject, type Project } from '../support/shardline.ts';

const TESTS = `
import pytest, warnings, lib
lib.old()
class Odd(UserWarning):
    def __init__(self, text, more): super().__init__(text)
def test_recorded(record_property):
    record_property("build", 7)
    record_property("object", {"a": "<b>"})
    print("said by a test")
def test_surrogate(): warnings.warn("w f\\udcf6")
def test_odd():
    class Local(Odd): pass
    warnings.warn(Local(1, 2))
    warnings.warn(Odd("x", "y"))
@pytest.mark.parametrize("n", range(12))
def test_many(n): lib.old(); warnings.warn("in a test")
@pytest.fixture(scope="module")
def late():
    yield
    warnings.warn("in a teardown")
def test_late(late): pass
@pytest.mark.skip(reason="no way")
def test_skipped(): pass
@pytest.mark.xfail(reason="known")
def test_known(): assert 0
def test_left_out(): pass
`;

const FILES = {
  'pytest.ini': '[pytest]\npythonpath = .\naddopts = -p no:cacheprovider -p wrapping\nno_such_option = 1\n',
  'conftest.py': `
import warnings
warnings.warn("in a conftest", DeprecationWarning)
def pytest_report_header(config): return ["Using the seed 42"]
def pytest_terminal_summary(terminalreporter):
    terminalreporter.section("my summary")
    terminalreporter.write_line("%d passed here" % len(terminalreporter.stats.get("passed", [])))
    print("printed")
`,
  'lib.py':
    'import warnings\nwarnings.warn("import of lib", DeprecationWarning)\ndef old(): warnings.warn("old is old", DeprecationWarning, stacklevel=2)\n',
  'wrapping.py': `
import pytest
@pytest.hookimpl(hookwrapper=True)
def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line("before the others")
    yield
    terminalreporter.write_line("after the others")
`,
  ...Object.fromEntries(['test_a.py', 'test_b.py', 'test_c.py', 'sub/test_d.py'].map((name) => [name, TESTS])),
};

let project: Project;
beforeAll(async () => {
  project = await newProject(FILES);
});
afterAll(() => project[Symbol.asyncDispose]());

/** The counts in plain pytest's last line, by word. */
async function countedByPlain(...args: readonly string[]): Promise<Readonly<Record<string, number>>> {
  const { stdout } = await execa(testPython(), ['-m', 'pytest', '-q', ...args], {
    cwd: project.directory,
    env: PATHS,
    reject: false,
  });
  return countsIn(stdout.trimEnd().split('\n').at(-1) ?? '');
}

const countsIn = (line: string): Readonly<Record<string, number>> =>
  Object.fromEntries(
    [...line.matchAll(/(\d+) (passed|failed|skipped|deselected|xfailed|warnings?)/g)].map(([, count, word]) => [word, Number(count)]),
  );

/** pytest imports a plugin named with `-p` before it applies `pythonpath`. */
const PATHS = { PYTHONPATH: '.' };
const KEPT = ['-k', 'not left_out'] as const;

test('shows the warnings, deselected tests, sections, header and properties of plain pytest', async () => {
  const { exitCode, stdout, stderr } = await project.shardline(
    [...['run', '--agents', '2', '-n', '2', '--out', 'out', '--'], ...[...KEPT, '-rA', '--durations=3', '--durations-min=0']],
    PATHS,
  );
  // A warning that execnet or pytest's main process cannot handle must not crash an xdist worker.
  expect([exitCode, stderr.includes('crashed')]).toEqual([0, false]);
  const plain = await countedByPlain(...KEPT);
  expect(plain).toMatchObject({ passed: 64, deselected: 4, warnings: 119 });
  expect(countsIn(stdout.split('\n').at(-1) ?? '')).toEqual(plain);
  const report = await project.report();
  expect(warningCount(report)).toBe(plain.warnings);
  expect(report.warnings.map(({ message }) => message)).toEqual(
    expect.arrayContaining(['in a conftest', 'w f\\udcf6', 'in a teardown', 'x']),
  );

  expect(report.sessions).toHaveLength(2);
  for (const { agent, header, sections } of report.sessions) {
    expect(header[0]).toMatch(/^platform \S+ -- Python 3\.\d+\.\d+, pytest-\d/);
    expect(header).toEqual(
      expect.arrayContaining(['Using the seed 42', `rootdir: ${report.sessions[0]?.header.join('\n').match(/rootdir: (.*)/)?.[1]}`]),
    );
    // One agent may run every test before the other has collected the suite. The session of the other then ends without a summary.
    if (report.agents.some(({ id, tests }) => id === agent && tests === 0)) continue;
    expect(sections.map(({ title, text }) => [title, text.replace(/\d+ passed/, 'N passed')])).toEqual(
      expect.arrayContaining([['conftest.py', expect.stringMatching(/^=+ my summary =+\nN passed here\nprinted\n$/)]]),
    );
    expect(sections.find(({ title }) => title === 'wrapping')?.text).toBe('before the others\nafter the others\n');
  }
  expect(stdout).toContain('my summary');

  const recorded = report.tests.find(({ nodeid }) => nodeid === 'test_a.py::test_recorded');
  expect(recorded?.properties).toEqual([
    { name: 'build', value: '7' },
    { name: 'object', value: "{'a': '<b>'}" },
  ]);
  expect(await project.read('out/junit.xml')).toContain('<property name="object" value="{\'a\': \'&lt;b&gt;\'}"/>');

  expect(stdout).toMatch(/^PASSED test_a\.py::test_recorded$/m);
  expect(stdout).toMatch(/^SKIPPED \[1\] sub\/test_d\.py:\d+: no way$/m);
  expect(stdout).toMatch(/^XFAIL test_b\.py::test_known - known$/m);
  expect(stdout).toContain('said by a test');
  expect(stdout).toMatch(/^=+ slowest 3 durations =+\n(\d+\.\d\ds (setup|call|teardown) +\S+\n){3}/m);
});

test.each([
  { args: ['-p', 'no:warnings'], isShown: false },
  { args: ['-W', 'error:in a test:UserWarning'], isShown: true },
  { args: ['--disable-warnings'], isShown: false },
])('counts warnings as plain pytest does with $args', async ({ args, isShown }) => {
  const { stdout } = await project.shardline(['run', '-n', '1', '--out', 'out', '--', ...KEPT, ...args], PATHS);
  expect(countsIn(stdout.split('\n').at(-1) ?? '')).toEqual(await countedByPlain(...KEPT, ...args));
  expect(/^warnings /m.test(stdout)).toBe(isShown);
});
