// Hooks of a suite can fail a session at its end. The engines report such failures as problems, because plain pytest would fail too.

import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { collectModes } from '../../shared/domain/suite/suite-list.ts';
import { testPython } from '../support/python.ts';
import { makeSuite, openSuite, selectors } from './suite.ts';

/** pytest 9.1 and later have it. */
const hasMaxWarnings = execFileSync(testPython(), ['-m', 'pytest', '--help'], { encoding: 'utf8' }).includes('--max-warnings');

const TESTS = { 'test_a.py': 'import warnings\ndef test_1(): warnings.warn("old")\ndef test_2(): pass\n' };
const onlyInMain = '    if hasattr(session.config, "workerinput"): return\n';

const cases: Readonly<Record<string, { conftest: string; pytestArgs?: readonly string[]; says: string | null }>> = {
  'a hook that sets the exit status': {
    conftest: 'def pytest_sessionfinish(session, exitstatus):\n    if exitstatus == 0: session.exitstatus = 7\n',
    says: 'exit code 7',
  },
  'a hook that raises': {
    conftest: `def pytest_sessionfinish(session):\n${onlyInMain}    raise RuntimeError("3 sockets left open")\n`,
    says: 'RuntimeError: 3 sockets left open',
  },
  'more warnings than --max-warnings': { conftest: '', pytestArgs: ['--max-warnings=0'], says: 'maximum allowed warnings exceeded: 1 > 0' },
  'no more warnings than --max-warnings': { conftest: '', pytestArgs: ['--max-warnings=1'], says: null },
  'a hook that forgives': { conftest: 'def pytest_sessionfinish(session):\n    session.exitstatus = 0\n', says: null },
};

describe.each(collectModes)('collected by %s', (collect) => {
  const possible = Object.entries(cases).filter(([, { pytestArgs }]) => pytestArgs === undefined || hasMaxWarnings);
  test.each(possible)('%s', async (_what, { conftest, pytestArgs = [], says }) => {
    await using suite = await makeSuite({ ...TESTS, 'conftest.py': conftest });
    const session = await openSuite(suite, { collect, pytestArgs });
    const ran = await session.run(selectors('test_a.py')).finally(() => session[Symbol.asyncDispose]());
    expect(ran.outcomes).toEqual({ 'test_a.py::test_1': 'passed', 'test_a.py::test_2': 'passed' });
    expect(ran.events.filter(({ kind }) => kind === 'collect-failed')).toEqual([]);
    const problems = session.endings.flatMap(({ problem }) => problem ?? []);
    expect(problems).toEqual(says === null ? [] : [expect.stringContaining(says)]);
  });
});
