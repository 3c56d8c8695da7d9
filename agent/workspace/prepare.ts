// Runs the command that prepares a checkout, and ends it with all its descendants.

import { execa } from 'execa';
import { createOutputTail } from '../../shared/pytest/output-tail.ts';
import { pytestEnvironment } from '../../shared/pytest/start-pytest.ts';
import { sendSignal } from '../../shared/system/send-signal.ts';

/** Time to download and build all packages of a project. */
const PREPARE_MS = 30 * 60_000;
/** The end of the output that a run shows, in bytes. */
const OUTPUT_BYTES = 4000;
/** How long the pipes may stay open after the end of the command, in milliseconds. */
const PIPE_MS = 1000;

/** Kills its whole process group when standard input ends: then the agent is gone. */
const SUPERVISED = `exec 3<&0
{ read -r _ <&3; kill -KILL 0; } &
watcher=$!
exec 3<&-
sh -c "$1" </dev/null
code=$?
kill "$watcher"
exit "$code"`;

export interface FailedPreparation {
  /** How the command ended, for example `exit code 1`. */
  readonly how: string;
  /** The end of what it printed. */
  readonly output: string;
}

/** Returns null if the command succeeds. Throws the reason of the signal if it aborts. */
export async function prepareCheckout(command: string, directory: string, signal: AbortSignal): Promise<FailedPreparation | null> {
  const running = execa('sh', ['-c', SUPERVISED, 'sh', command], {
    cwd: directory,
    env: pytestEnvironment(process.env),
    extendEnv: false,
    detached: true,
    cleanup: false,
    reject: false,
    buffer: false,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const output = createOutputTail(OUTPUT_BYTES);
  running.stdout.on('data', output.add);
  running.stderr.on('data', output.add);
  running.stdin.on('error', () => undefined);
  const killGroup = (): void => {
    const { pid } = running.nodeChildProcess;
    if (pid !== undefined) sendSignal(-pid, 'SIGKILL');
  };
  const limit = AbortSignal.timeout(PREPARE_MS);
  const ending = AbortSignal.any([signal, limit]);
  ending.addEventListener('abort', killGroup, { once: true });
  if (ending.aborted) killGroup();
  running.nodeChildProcess.once('exit', () => {
    killGroup();
    // A process that the command moved out of its group may keep the pipes open.
    setTimeout(() => {
      running.stdout.destroy();
      running.stderr.destroy();
    }, PIPE_MS).unref();
  });
  const { exitCode, signal: killedBy, failed } = await running;
  ending.removeEventListener('abort', killGroup);
  signal.throwIfAborted();
  if (!failed) return null;
  const how = limit.aborted
    ? `no end within ${PREPARE_MS / 60_000} minutes`
    : killedBy === undefined
      ? `exit code ${exitCode}`
      : `${killedBy}`;
  return { how, output: output.text().trim() };
}
