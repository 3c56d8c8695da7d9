// Starts one pytest as its own process group and ends it with all its descendants. It does not know what pytest runs.

import { statSync } from 'node:fs';
import { execa } from 'execa';
import { reasonOf, ShardlineError } from '../errors.ts';
import { launchPath } from './plugin-path.ts';

/** How much of the end of pytest's output is kept, in bytes. */
const OUTPUT_BYTES = 64 * 1024;

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
  /** Receives everything that pytest prints on standard error; `output` keeps only the end. */
  readonly hear?: (chunk: Buffer) => void;
}

/** Resolves when the interpreter runs. Throws `no-workspace` or `no-python`. */
export async function startPytest(start: PytestStart): Promise<PytestProcess> {
  if (!isDirectory(start.workspace)) throw new ShardlineError('no-workspace', { path: start.workspace });

  const subprocess = execa(start.python, [launchPath(), start.sessionPath], {
    cwd: start.workspace,
    env: { ...pytestEnvironment(process.env), ...start.environment },
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

  const chunks: Buffer[] = [];
  let keptBytes = 0;
  let printedBytes = 0;
  const keep = (chunk: Buffer): void => {
    chunks.push(chunk);
    keptBytes += chunk.length;
    printedBytes += chunk.length;
    for (let first = chunks[0]; first !== undefined && keptBytes - first.length >= OUTPUT_BYTES; first = chunks[0]) {
      keptBytes -= first.length;
      chunks.shift();
    }
  };
  stdout.on('data', keep);
  stderr.on('data', keep);
  if (start.hear !== undefined) stderr.on('data', start.hear);
  // The process that watches stdin may exit before this one.
  stdin.on('error', () => undefined);

  const signalGroup = (signal: NodeJS.Signals): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // The group is gone already.
    }
  };

  const exited = new Promise<PytestExit>((resolve) => {
    child.once('exit', (exitCode, signal) => {
      signalGroup('SIGKILL');
      // A process that a test moved out of the group may keep the pipes open forever.
      const closing = setTimeout(() => {
        stdout.destroy();
        stderr.destroy();
      }, 1000);
      child.once('close', () => {
        clearTimeout(closing);
        resolve({ exitCode, signal });
      });
    });
  });

  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (problem) => {
      reject(new ShardlineError('no-python', { python: start.python, problem: reasonOf(problem) }, { cause: problem }));
    });
  });

  return {
    exited,
    interrupt: () => signalGroup('SIGINT'),
    kill: () => signalGroup('SIGKILL'),
    output(fromBytes = 0) {
      const wantedBytes = Math.min(OUTPUT_BYTES, Math.max(0, printedBytes - fromBytes));
      return wantedBytes === 0 ? '' : Buffer.concat(chunks).subarray(-wantedBytes).toString('utf8');
    },
    printedBytes: () => printedBytes,
  };
}

/** The environment without shardline's own settings: the Redis URL among them is a secret. */
export function pytestEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('SHARDLINE_')));
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
