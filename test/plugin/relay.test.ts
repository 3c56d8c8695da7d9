// Relays reports to pytest's main process only if code of the user needs them there.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { XMLParser } from 'fast-xml-parser';
import { expect, test } from 'vitest';
import { streamEngine } from '../../agent/pytest/stream-engine.ts';
import type { Relay } from '../../shared/domain/run-spec.ts';
import { makeSuite, openSuite, type Suite, selectors } from './suite.ts';

/** Logs every hook call in pytest's main process, as under plain `pytest -n`. */
const LISTENING = `
import os
HERE = os.path.dirname(os.path.abspath(__file__))
def write(text):
    with open(os.path.join(HERE, "heard.txt"), "a") as out: out.write(text + "\\n")
class Listener:
    def pytest_runtest_logstart(self, nodeid): write("start " + nodeid)
    def pytest_runtest_logreport(self, report): write("%s %s %s %s" % (report.when, report.outcome, report.nodeid, report.node.gateway.id))
    def pytest_collectreport(self, report): write("collect %s %s" % (report.outcome, report.nodeid))
    def pytest_sessionfinish(self, session, exitstatus): write("end %d %d" % (exitstatus, session.testscollected))
def pytest_configure(config):
    if not hasattr(config, "workerinput"): config.pluginmanager.register(Listener())
`;

const FILES = {
  'test_a.py': 'def test_1(): pass\ndef test_2(): assert 0\n',
  'p/conftest.py': 'import pytest\n@pytest.fixture(scope="package")\ndef up():\n    yield\n    raise RuntimeError("too late")\n',
  'p/__init__.py': '',
  'p/test_p.py': 'def test_p(up): pass\n',
  'test_k.py': 'import os\ndef test_k(): os._exit(3)\ndef test_l(): pass\n',
  'test_b.py': 'import nothing_of_that_name\n',
};

interface Relayed {
  readonly outcomes: Readonly<Record<string, string>>;
  readonly reported: readonly string[];
}

/** Runs the files of `suite` in one session and ends it. */
async function run(suite: Suite, relay: Relay, pytestArgs: readonly string[] = []): Promise<Relayed> {
  const reported: string[] = [];
  const outcomes: Record<string, string> = {};
  await using session = await openSuite(suite, {
    engine: streamEngine((line) => reported.push(line)),
    numprocesses: '1',
    relay,
    pytestArgs,
  });
  const files = Object.keys(FILES).filter((name) => name.includes('test_'));
  const ran = await Promise.all(files.map((file) => session.run(selectors(file))));
  for (const one of ran) Object.assign(outcomes, one.outcomes);
  return { outcomes, reported };
}

const OUTCOMES = {
  'test_a.py::test_1': 'passed',
  'test_a.py::test_2': 'failed',
  'p/test_p.py::test_p': 'error',
  'test_k.py::test_k': 'error',
  'test_k.py::test_l': 'passed',
};

const linesOf = async (suite: Suite): Promise<string[]> => (await readFile(join(suite.path, 'heard.txt'), 'utf8')).trim().split('\n');

test('relays every report to a conftest in the main process, crashes included, and prints a message about it', async () => {
  await using suite = await makeSuite({ ...FILES, 'conftest.py': LISTENING });
  const ran = await run(suite, 'auto');
  expect(ran.outcomes).toEqual(OUTCOMES);
  expect(ran.reported).toEqual(["reports also pass through pytest's main process: conftest.py has the hook pytest_runtest_logreport"]);
  expect(await linesOf(suite)).toEqual([
    'start test_a.py::test_1',
    ...['setup', 'call', 'teardown'].map((when) => `${when} passed test_a.py::test_1 gw0`),
    'start test_a.py::test_2',
    'setup passed test_a.py::test_2 gw0',
    'call failed test_a.py::test_2 gw0',
    'teardown passed test_a.py::test_2 gw0',
    'start p/test_p.py::test_p',
    ...['setup', 'call'].map((when) => `${when} passed p/test_p.py::test_p gw0`),
    'teardown failed p/test_p.py::test_p gw0',
    'start test_k.py::test_k',
    'setup passed test_k.py::test_k gw0',
    '??? failed test_k.py::test_k gw0',
    'start test_k.py::test_l',
    ...['setup', 'call', 'teardown'].map((when) => `${when} passed test_k.py::test_l gw1`),
    'collect failed test_b.py',
    'end 1 4',
  ]);
});

test('pytest writes --junit-xml with every test if it has its own settings; otherwise the coordinator writes it', async () => {
  await using suite = await makeSuite(FILES);
  const ran = await run(suite, 'auto', ['--junit-xml=own.xml', '-o', 'junit_logging=all']);
  expect(ran.reported).toEqual(["reports also pass through pytest's main process: pytest writes the file of --junit-xml"]);
  const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '', isArray: (name) => name === 'testcase' });
  const { testsuites } = parser.parse(await readFile(join(suite.path, 'own.xml'), 'utf8'));
  const { testcase, tests, failures, errors } = testsuites.testsuite;
  expect(testcase.map(({ name }: { readonly name: string }) => name)).toEqual(['test_1', 'test_2', 'test_p', 'test_k', 'test_l', 'test_b']);
  expect([tests, failures, errors]).toEqual(['6', '1', '3']);

  await using usual = await makeSuite(FILES);
  expect(await run(usual, 'auto', ['--junit-xml=own.xml'])).toEqual({ outcomes: OUTCOMES, reported: [] });
  await expect(readFile(join(usual.path, 'own.xml'), 'utf8')).rejects.toThrow('ENOENT');
});

test('never relays no report, always relays every report, auto relays only if code of the suite reads reports', async () => {
  await using suite = await makeSuite({ ...FILES, 'conftest.py': LISTENING });
  const never = await run(suite, 'never');
  expect(never).toEqual({ outcomes: OUTCOMES, reported: [] });
  expect(await linesOf(suite)).toEqual(['end 5 0']);

  await using quiet = await makeSuite({
    ...FILES,
    'conftest.py': 'def pytest_sessionfinish(session, exitstatus): pass\ndef pytest_unconfigure(config): config.option.verbose\n',
  });
  expect(await run(quiet, 'auto')).toEqual({ outcomes: OUTCOMES, reported: [] });

  await using always = await makeSuite({
    ...FILES,
    'conftest.py': `import os\ndef pytest_sessionfinish(session):\n    if not hasattr(session.config, "workerinput"): open(os.path.join(os.path.dirname(__file__), "heard.txt"), "w").write(str(session.testsfailed))\n`,
  });
  expect(await run(always, 'always')).toEqual({ outcomes: OUTCOMES, reported: [] });
  expect(await linesOf(always)).toEqual(['4']);
  expect((await run(always, 'auto')).reported).toEqual([
    "reports also pass through pytest's main process: conftest.py looks at results in pytest_sessionfinish",
  ]);
});

test('prints a message about a report that xdist cannot serialize, and loses no result', async () => {
  await using suite = await makeSuite({
    ...FILES,
    'conftest.py': LISTENING,
    'test_a.py': 'def test_1(record_property): record_property("object", object())\ndef test_2(): print("\\udcff"); assert 0\n',
  });
  const ran = await run(suite, 'auto');
  expect(ran.outcomes).toEqual(OUTCOMES);
  expect(ran.reported.slice(1)).toEqual(expect.arrayContaining([expect.stringMatching(/^a report of test_a\.py::test_1 did not reach/)]));
});

test('-x stops the session after the first failure, with and without relayed reports', async () => {
  for (const relay of ['always', 'never'] as const) {
    await using suite = await makeSuite({ 'test_x.py': 'def test_1(): assert 0\ndef test_2(): pass\n' });
    await using session = await openSuite(suite, { engine: streamEngine(() => undefined), numprocesses: '1', relay, pytestArgs: ['-x'] });
    const ran = await session.run(selectors('test_x.py'));
    expect(ran.ending).toEqual({ kind: 'interrupted', by: 'maxfail' });
    expect(ran.outcomes).toEqual({ 'test_x.py::test_1': 'failed' });
  }
});
