// Starts one ordinary run of shardline as a user would, with agents on this machine.

import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { tailOf } from '../../../shared/text/tail.ts';

/** How long after its deadline a run may take to end before it is killed. */
const GRACE_SECONDS = 60;
/** How long an interrupted run may take to end. */
const LEAVE_MS = 20_000;
/** Maximum number of characters of the run's output that are kept, from its end. */
const SAID_CHARS = 4000;

export interface ShardedRequest {
  /** The command that starts this program: interpreter, its options, the script. */
  readonly program: readonly [string, ...string[]];
  /** Arguments of `shardline run`, without its deadline. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly limitSeconds: number;
}

export interface ShardedRun {
  readonly seconds: number;
  /** null if it was killed. */
  readonly exitCode: number | null;
  /** The end of its output. */
  readonly said: string;
}

/** Throws the signal's reason if it aborts, after the run has ended. */
export async function runSharded(request: ShardedRequest, signal: AbortSignal): Promise<ShardedRun> {
  signal.throwIfAborted();
  const [interpreter, ...script] = request.program;
  const startedAt = performance.now();
  const run = execa(interpreter, [...script, 'run', '--deadline', `${request.limitSeconds}s`, ...request.args], {
    cwd: request.cwd,
    env: request.env,
    extendEnv: false,
    stdin: 'ignore',
    all: true,
    reject: false,
    // The audit handles a Ctrl-C at the terminal and passes it on to the run.
    detached: true,
    cleanup: true,
  });
  const over = new AbortController();
  const tooLate = delay((request.limitSeconds + GRACE_SECONDS) * 1000, undefined, { signal: over.signal }).then(
    () => void run.kill('SIGKILL'),
    () => undefined,
  );
  let leaving: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    run.kill('SIGINT');
    leaving = setTimeout(() => run.kill('SIGKILL'), LEAVE_MS);
  };
  signal.addEventListener('abort', interrupt, { once: true });
  try {
    const { exitCode, all } = await run;
    signal.throwIfAborted();
    return { seconds: (performance.now() - startedAt) / 1000, exitCode: exitCode ?? null, said: tailOf(all, SAID_CHARS) };
  } finally {
    signal.removeEventListener('abort', interrupt);
    clearTimeout(leaving);
    over.abort();
    await tooLate;
  }
}
