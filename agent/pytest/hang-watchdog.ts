// Watches the processes in which one pytest runs tests: ends a process that hangs, and explains the death of one that died.

import { LONGEST_TIMER_MS } from '../../shared/clock.ts';
import { faultDump, lastOutput } from '../core/fault-dump.ts';
import { hangSeconds, testLimitSeconds } from '../core/test-limit.ts';
import type { PytestMessage } from './codec.ts';

/** Time that a process has to write its stacks before it is killed. */
const DUMP_MS = 3000;

export interface WatchRequest {
  /** The user's limit for one test; null when there is none. */
  readonly testTimeoutSeconds: number | null;
  /** The estimate of the worker's current shard, in seconds. */
  readonly shardSeconds: (worker: string) => number;
  /** How many bytes pytest has printed, and its output after a byte count, as far as it is kept. */
  readonly printedBytes: () => number;
  readonly outputSince: (bytes: number) => string;
}

export interface Watch {
  /** Takes note of a message and returns it. A message about a death is returned with everything else known about that death. */
  hear(message: PytestMessage, worker: string): PytestMessage;
  /** Describes the death of a process that the watchdog ended and that sends no `worker-down`; null for any other process. */
  endedHere(worker: string): string | null;
  close(): void;
}

interface Work {
  readonly what: 'running' | 'collecting' | 'in a teardown';
  readonly startedAt: number;
  /** The number of bytes printed before the work started. */
  readonly fromBytes: number;
  readonly timer: NodeJS.Timeout;
}

/** To end a process, the watchdog sends SIGABRT, at which faulthandler writes the stacks of its threads, and SIGKILL a little later. */
export function createWatch({ testTimeoutSeconds, shardSeconds, printedBytes, outputSince }: WatchRequest): Watch {
  const pids = new Map<string, number>();
  const working = new Map<string, Work>();
  /** Why the watchdog ended each worker. */
  const ended = new Map<string, string>();
  const killing = new Map<string, NodeJS.Timeout>();

  const end = (worker: string, why: string): void => {
    const pid = pids.get(worker);
    if (pid === undefined) return;
    ended.set(worker, why);
    send(pid, 'SIGABRT');
    killing.set(
      worker,
      setTimeout(() => send(pid, 'SIGKILL'), DUMP_MS),
    );
  };
  const rest = (worker: string): void => {
    clearTimeout(working.get(worker)?.timer);
    working.delete(worker);
  };
  const begin = (worker: string, what: Work['what'], limitSeconds: number): void => {
    rest(worker);
    const why = `as it was still ${what} after ${limitSeconds} s${what !== 'collecting' && testTimeoutSeconds !== null ? ', the --test-timeout' : ''}`;
    const timer = setTimeout(() => end(worker, why), Math.min(limitSeconds * 1000, LONGEST_TIMER_MS));
    working.set(worker, { what, startedAt: performance.now(), fromBytes: printedBytes(), timer });
  };

  /** Extends `how` with the time spent on the work, the reason for the kill, and the output. */
  const explain = (worker: string, how: string): string => {
    const work = working.get(worker);
    if (work === undefined) return how;
    const seconds = ((performance.now() - work.startedAt) / 1000).toFixed(1);
    const why = ended.get(worker) ?? `after ${seconds} s`;
    const hint = ended.has(worker) || !how.includes('SIGKILL') ? '' : ' (as the kernel does when memory runs out)';
    const output = outputSince(work.fromBytes);
    const dump = faultDump(output);
    const last = dump === null ? lastOutput(output) : '';
    return `${how}${hint} ${why}${dump === null ? '' : `\n\n${dump}`}${last === '' ? '' : `\n\npytest printed last:\n${last}`}`;
  };

  return {
    hear(message, worker) {
      switch (message.kind) {
        case 'hello':
          pids.set(message.worker, message.pid);
          return message;
        case 'collecting':
          begin(worker, 'collecting', hangSeconds(shardSeconds(worker)));
          return message;
        case 'test-started':
          begin(worker, 'running', testLimitSeconds(testTimeoutSeconds, shardSeconds(worker)));
          return message;
        // The teardown of session and package fixtures. In plain pytest it belongs to the last test that needed them.
        case 'tearing-down':
          begin(worker, 'in a teardown', testLimitSeconds(testTimeoutSeconds, shardSeconds(worker)));
          return message;
        case 'torn-down':
        case 'collected':
        case 'collect-failed':
        case 'listed':
        case 'file-collected':
        case 'test-finished':
        case 'task-done':
          rest(worker);
          return message;
        case 'worker-down': {
          const told = { ...message, error: explain(message.worker, message.error) };
          rest(message.worker);
          pids.delete(message.worker);
          // The operating system may soon give the process id to another process.
          clearTimeout(killing.get(message.worker));
          return told;
        }
        default:
          return message;
      }
    },
    endedHere: (worker) => (ended.has(worker) && pids.has(worker) ? explain(worker, 'it was ended') : null),
    close() {
      for (const worker of [...working.keys()]) rest(worker);
      for (const timer of killing.values()) clearTimeout(timer);
    },
  };
}

function send(pid: number, signal: 'SIGABRT' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // The process is gone already.
  }
}
