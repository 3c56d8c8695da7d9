// Starts one pytest as a process group of its own and ends it with all its descendants. Knows nothing of what it runs.

import { statSync } from 'node:fs';
import { execa } from 'execa';
import { reasonOf, ShardlineError } from '../errors.ts';
import { launchPath } from './plugin-path.ts';

/** How much of pytest's own output is kept, from its end. */
const OUTPUT_BYTES = 64 * 1024;

export interface PytestExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** A running pytest. The group dies when this process dies, however it dies: launch.py watches the other end of its standard input. */
export interface PytestProcess {
  /** Resolves once pytest is gone and what was left of its group was killed. Never rejects. */
  readonly exited: Promise<PytestExit>;
  /** Ctrl-C for the whole group. */
  interrupt(): void;
  kill(): void;
  /** The end of what it printed, standard output and error together; no more than what came after the first `fromBytes` of it. */
  output(fromBytes?: number): string;
  /** How much it has printed. */
  printedBytes(): number;
}

export interface PytestStart {
  readonly python: string;
  readonly workspace: string;
  /** Written by `writeSessionFile`. */
  readonly sessionPath: string;
  /** Set over what tests may see of our environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Gets all that it prints on standard error, of which `output` keeps only the end. */
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
  // The watcher may be gone before we are.
  stdin.on('error', () => undefined);

  const signalGroup = (signal: NodeJS.Signals): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // The group is gone already: that is what was wanted.
    }
  };

  const exited = new Promise<PytestExit>((resolve) => {
    child.once('exit', (exitCode, signal) => {
      signalGroup('SIGKILL');
      // A process that a test moved out of the group may hold the pipes for ever.
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

/** What tests may see of our environment: all but shardline's own settings, of which the Redis URL is a secret. */
export function pytestEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('SHARDLINE_')));
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
