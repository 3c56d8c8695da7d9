// Starts one pytest as its own process group and ends it with all its descendants. It does not know what pytest runs.

import type { ChildProcess } from 'node:child_process';
import { execa } from 'execa';
import { reasonOf, ShardlineError } from '../errors.ts';
import { isDirectory } from '../system/files/is-directory.ts';
import { asUser, type OtherUser } from '../system/other-user.ts';
import { sendSignal } from '../system/send-signal.ts';
import { createOutputTail } from './output-tail.ts';
import { launchPath } from './plugin-path.ts';

/** How much of the end of pytest's output is kept, in bytes. */
const OUTPUT_BYTES = 64 * 1024;
/**
 * How long the pipes may stay open after pytest's exit, in milliseconds. A process that a test moved out of the group may keep them open
 * forever.
 */
const PIPE_MS = 1000;

export interface PytestExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/**
 * A running pytest. Its group dies with this process, even if this process is killed: launch.py watches the other end of its standard
 * input.
 */
export interface PytestProcess {
  /** Resolves once pytest is gone and the rest of its group is killed. Never rejects. */
  readonly exited: Promise<PytestExit>;
  /** Sends Ctrl-C to the whole group. */
  interrupt(): void;
  kill(): void;
  /** The end of standard output and error together, without the first `fromBytes` bytes. */
  output(fromBytes?: number): string;
  /** The number of bytes printed so far. */
  printedBytes(): number;
}

export interface PytestStart {
  readonly python: string;
  readonly workspace: string;
  /** The file that `writeSessionFile` wrote. */
  readonly sessionPath: string;
  /** Variables that override the inherited environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The user that runs pytest; null for this process's own. */
  readonly user?: OtherUser | null;
  /** Receives everything that pytest prints on standard error; `output` keeps only the end. */
  readonly onStderr?: (chunk: Buffer) => void;
}

/** Resolves when the interpreter runs. Throws `no-workspace` or `no-python`. */
export async function startPytest(start: PytestStart): Promise<PytestProcess> {
  if (!(await isDirectory(start.workspace))) throw new ShardlineError('no-workspace', { path: start.workspace });

  const { user = null } = start;
  const subprocess = execa(start.python, [launchPath(), start.sessionPath], {
    cwd: start.workspace,
    ...asUser(user, process.env),
    env: { ...pytestEnvironment(process.env, user), ...start.environment },
    extendEnv: false,
    detached: true,
    cleanup: false,
    reject: false,
    buffer: false,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const { nodeChildProcess: child, stdin, stdout, stderr } = subprocess;

  const output = createOutputTail(OUTPUT_BYTES);
  stdout.on('data', output.add);
  stderr.on('data', output.add);
  if (start.onStderr !== undefined) stderr.on('data', start.onStderr);
  // The process that watches stdin may exit before this one.
  stdin.on('error', () => undefined);

  const exited = exitOf(child, () => {
    stdout.destroy();
    stderr.destroy();
  });
  await spawned(child, start.python);

  return {
    exited,
    interrupt: () => signalGroup(child, 'SIGINT'),
    kill: () => signalGroup(child, 'SIGKILL'),
    output: output.text,
    printedBytes: output.printedBytes,
  };
}

/** Sends a signal to the child and its descendants. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid !== undefined) sendSignal(-pid, signal);
}

/** Kills the rest of the child's group when the child exits. Resolves when all that the group printed is read; see `PIPE_MS`. */
function exitOf(child: ChildProcess, closePipes: () => void): Promise<PytestExit> {
  return new Promise((resolve) => {
    child.once('exit', (exitCode, signal) => {
      signalGroup(child, 'SIGKILL');
      const closing = setTimeout(closePipes, PIPE_MS);
      child.once('close', () => {
        clearTimeout(closing);
        resolve({ exitCode, signal });
      });
    });
  });
}

function spawned(child: ChildProcess, python: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (problem) => {
      reject(new ShardlineError('no-python', { python, problem: reasonOf(problem) }, { cause: problem }));
    });
  });
}

/** The environment without shardline's own settings: the Redis URL among them is a secret. With `user`, it is that user's. */
export function pytestEnvironment(environment: NodeJS.ProcessEnv, user: OtherUser | null = null): NodeJS.ProcessEnv {
  if (user !== null) return asUser(user, environment).env ?? {};
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('SHARDLINE_')));
}
