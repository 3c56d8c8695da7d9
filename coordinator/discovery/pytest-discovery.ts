// Discovers tests with pytest itself: its own collection with the user's arguments, stopped before any test module is imported.

import { join } from 'node:path';
import { nodeId, testFile } from '../../shared/domain/ids.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { pytestCommand } from '../../shared/pytest/pytest-command.ts';
import { type DiscoveryResult, readDiscoveryResult } from '../../shared/pytest/result-file.ts';
import { makeSessionDirectory, removeSessionDirectory, writeSessionFile } from '../../shared/pytest/session-file.ts';
import { startPytest } from '../../shared/pytest/start-pytest.ts';
import { shellCommand } from '../../shared/text/shell-quote.ts';
import { tailOf } from '../../shared/text/tail.ts';
import type { DiscoveredSuite, Discovery, DiscoveryRequest } from '../ports.ts';

/** Characters from the end of pytest's output that a `bad-paths` error shows. */
const SHOWN_CHARS = 4000;

export function pytestDiscovery(): Discovery {
  return { discover };
}

/**
 * Throws `no-workspace`, `no-python`, `no-pytest`, `bad-paths` (pytest refused paths, options or an initial conftest),
 * `unsupported-option`, `plugin-without-xdist`, `outside-root`, or the reason of `signal` if it aborts.
 */
async function discover(request: DiscoveryRequest, signal: AbortSignal): Promise<DiscoveredSuite> {
  signal.throwIfAborted();
  const { python, workspace, pytestArgs, serialMarker } = request;
  const directory = await makeSessionDirectory();
  try {
    const sessionPath = join(directory, 'session.json');
    const resultPath = join(directory, 'result.json');
    await writeSessionFile(sessionPath, { mode: 'discover', resultPath, pytestArgs, serialMarker });
    const pytest = await startPytest({ python, workspace, sessionPath });
    const onAbort = (): void => pytest.kill();
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const { exitCode, signal: killedBy } = await pytest.exited;
    signal.removeEventListener('abort', onAbort);
    signal.throwIfAborted();

    const result = await readDiscoveryResult(resultPath, python);
    if (result === null) {
      throw new ShardlineError('bad-paths', {
        output: tailOf(pytest.output().trim(), SHOWN_CHARS),
        pytestExitCode: exitCode ?? killedBy ?? 'unknown',
        command: shellCommand(pytestCommand(python, ['--collect-only', '-q', ...pytestArgs])),
      });
    }
    if ('unsupported' in result) {
      throw new ShardlineError('unsupported-option', { problem: result.unsupported, command: shellCommand(['pytest', ...pytestArgs]) });
    }
    return asSuite(result, pytestArgs);
  } finally {
    await removeSessionDirectory(directory);
  }
}

function asSuite(result: DiscoveryResult, pytestArgs: readonly string[]): DiscoveredSuite {
  const command = shellCommand(['shardline', 'run', '--', '-n', '0', ...pytestArgs]);
  const idlePlugin = result.idlePlugin === null ? null : { plugin: result.idlePlugin.plugin, option: result.idlePlugin.option, command };
  if (idlePlugin !== null && result.idlePlugin?.refuses === true) throw new ShardlineError('plugin-without-xdist', idlePlugin);
  const [outside] = result.outside;
  if (outside !== undefined) throw new ShardlineError('outside-root', { file: outside, rootdir: result.rootdir });
  return {
    rootdir: result.rootdir,
    files: result.files.map(({ file, nodeids }) => ({ file: testFile(file), nodeids: nodeids === null ? null : nodeids.map(nodeId) })),
    collectErrors: result.collectErrors.map(({ file, message }) => ({ file: testFile(file), message })),
    maxfail: result.maxfail,
    dist: result.dist,
    together: result.together.map((files) => files.map(testFile)),
    unclearMarks: result.unclearMarks.map(({ file, line }) => ({ file: testFile(file), line })),
    unstreamable: result.unstreamable,
    censusKey: result.censusKey,
    namesTests: result.namesTests,
    coverage: result.coverage,
    idlePlugin,
    acceptsNoTests: result.acceptsNoTests,
    junitXml: result.junitXml,
    cache: result.cache,
    fingerprint: result.fingerprint,
    pytest: result.pytest,
    xdist: result.xdist,
  };
}
