// Feeds a tiny project of two files to a real session and compares the results with those of plain pytest.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AttemptEvent } from '../../shared/domain/events.ts';
import { attemptId, shardId, testFile } from '../../shared/domain/ids.ts';
import { messageOf } from '../../shared/errors.ts';
import { pytestCommand } from '../../shared/pytest/pytest-command.ts';
import { makeSessionDirectory, removeSessionDirectory, writeSessionFile } from '../../shared/pytest/session-file.ts';
import { startPytest } from '../../shared/pytest/start-pytest.ts';
import type { OtherUser } from '../../shared/system/other-user.ts';
import { claimAlone, createWorkerNumbers } from '../worker-numbers.ts';
import { createAttemptLog } from './attempt-log.ts';
import { startFed } from './fed-pytest.ts';
import { createFailureChecks } from './session/collection.ts';

/** A package whose conftest has a fixture that both files share. The second file checks that the fixture was set up once. */
const PROJECT: Readonly<Record<string, string>> = {
  'pytest.ini': '[pytest]\n',
  'package/__init__.py': '',
  'package/conftest.py': `import pytest
UPS = []
@pytest.fixture(scope="package")
def ups():
    UPS.append(1)
    return UPS
@pytest.fixture(scope="module")
def module(request):
    return request.node.name
`,
  'package/test_one.py': 'def test_first(ups, module): assert ups == [1]\ndef test_second(): assert 0\n',
  'package/test_two.py':
    'import pytest\n@pytest.mark.parametrize("n", [1])\ndef test_third(ups, module, n): assert (ups, module.split("/")[-1]) == ([n], "test_two.py")\n',
};

const EXPECTED = [
  'collected package/test_one.py::test_first package/test_one.py::test_second',
  'package/test_one.py::test_first passed',
  'package/test_one.py::test_second failed',
  'collected package/test_two.py::test_third[1]',
  'package/test_two.py::test_third[1] passed',
];

/** Time for one self-test on a busy machine. */
const TRY_MS = 60_000;

/** Excludes the user's plugins and options: the test checks only how shardline uses pytest and xdist. */
const PLAIN = { PYTEST_DISABLE_PLUGIN_AUTOLOAD: '1', PYTEST_ADDOPTS: '', PYTEST_PLUGINS: '' } as const;

/** Why this interpreter's pytest cannot be fed, in one line; null when it can. `user` runs it. Never rejects. */
export async function tryOut(python: string, user: OtherUser | null = null): Promise<string | null> {
  const directory = await makeSessionDirectory(user);
  try {
    const events = await feedProject(python, directory, user);
    const at = EXPECTED.findIndex((line, index) => events[index] !== line);
    if (at === -1 && events.length === EXPECTED.length) return null;
    const index = at === -1 ? EXPECTED.length : at;
    return `its self-test on a tiny project failed: expected "${EXPECTED[index] ?? 'nothing more'}", got "${events[index] ?? 'nothing more'}"`;
  } catch (thrown) {
    return `its self-test on a tiny project failed: ${messageOf(thrown).split('\n')[0]}`;
  } finally {
    await removeSessionDirectory(directory);
  }
}

async function feedProject(python: string, directory: string, user: OtherUser | null): Promise<readonly string[]> {
  const workspace = join(directory, 'project');
  for (const [name, text] of Object.entries(PROJECT)) {
    await mkdir(dirname(join(workspace, name)), { recursive: true });
    await writeFile(join(workspace, name), text);
  }
  const socket = join(directory, 's');
  const sessionPath = join(directory, 'session.json');
  const pytestArgs = ['-p', 'no:cacheprovider'];
  const own = { socket, pytestArgs, numprocesses: '1', maxAutoWorkers: 1, limits: { tracebackBytes: 1000, sectionBytes: 1000 } };
  const limits = {
    ordinal: 0,
    coverageFile: null,
    cache: null,
    mayMiss: false,
    harmless: [],
    relay: 'never',
    maxWorkerBytes: 0,
    maxWorkerFiles: 0,
  } as const;
  await writeSessionFile(sessionPath, { mode: 'stream', ...own, serialMarker: 'serial', stopsItself: true, ...limits }, user);
  const fed = await startFed({
    socket,
    user,
    startProcess: () => startPytest({ python, workspace, sessionPath, environment: PLAIN, user }),
    command: pytestCommand(python, []),
    agent: 'self-test',
    labels: null,
    drain: null,
    testTimeoutSeconds: null,
    replaceMs: TRY_MS,
    room: () => null,
    workers: createWorkerNumbers(claimAlone()),
    print: () => undefined,
    collect: async () => ({ mode: 'file', proves: false, companions: [], loads: [] }),
    isMoreWaiting: async () => false,
    ending: new AbortController().signal,
    listed: () => undefined,
    refused: () => undefined,
    checks: createFailureChecks(),
    inseparable: () => undefined,
  });
  try {
    const events: AttemptEvent[] = [];
    const late = AbortSignal.timeout(TRY_MS);
    for (const [index, file] of ['package/test_one.py', 'package/test_two.py'].entries()) {
      const shard = shardId(index + 1);
      const selectors = [{ kind: 'file', file: testFile(file) }] as const;
      const log = createAttemptLog(selectors, (event) => events.push(event), Date.now);
      await fed.run(
        log,
        { id: attemptId(shard, 1), shard, fence: 1, role: 'primary', selectors, predictedSeconds: 1, avoid: [] },
        { interrupt: late },
      );
    }
    return events.flatMap(inWords);
  } finally {
    await fed.end();
  }
}

function inWords(event: AttemptEvent): readonly string[] {
  switch (event.kind) {
    case 'collected':
      return [`collected ${event.nodeids.join(' ')}`];
    case 'test-finished':
      return [`${event.result.nodeid} ${event.result.outcome}`];
    case 'collect-failed':
      return event.errors.map(({ nodeid, message }) => `${nodeid} ${message.trim().split('\n').at(-1)}`);
    default:
      return [];
  }
}
