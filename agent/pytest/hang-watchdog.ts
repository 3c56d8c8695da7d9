// Watches the processes in which one pytest runs tests: ends a process that hangs, and explains the death of one that died.

import { LONGEST_TIMER_MS } from '../../shared/clock.ts';
import { sendSignal } from '../../shared/system/send-signal.ts';
import { deathReport } from '../core/death-report.ts';
import { hangSeconds, testLimitSeconds } from '../core/test-limit.ts';
import type { PytestMessage } from './codec.ts';

/** Time that a process has to write its stacks before it is killed. */
const DUMP_MS = 3000;

export interface HangWatchdogRequest {
  /** The user's limit for one test; null when there is none. */
  readonly testTimeoutSeconds: number | null;
  /** The estimate of the worker's current shard, in seconds. */
  readonly shardSeconds: (worker: string) => number;
  /** How many bytes pytest has printed, and its output after a byte count, as far as it is kept. */
  readonly printedBytes: () => number;
  readonly outputSince: (bytes: number) => string;
}

export interface HangWatchdog {
  /** Takes note of a message and returns it. A message about a death is returned with everything else known about that death. */
  receive(message: PytestMessage, worker: string): PytestMessage;
  /** Describes the death of a process that the watchdog ended and that sends no `worker-down`; null for any other process. */
  endedHere(worker: string): string | null;
  close(): void;
}

type Activity = 'running' | 'collecting' | 'loading modules' | 'in a teardown';

/** The user's limit does not apply to imports. */
const isTest = (what: Activity): boolean => what === 'running' || what === 'in a teardown';

interface Work {
  readonly startedAt: number;
  /** The number of bytes printed before the work started. */
  readonly fromBytes: number;
  readonly timer: NodeJS.Timeout;
}

/** Each piece of work of each worker has a limit. A worker that exceeds one is ended. */
export function createHangWatchdog(request: HangWatchdogRequest): HangWatchdog {
  const { testTimeoutSeconds, shardSeconds, outputSince } = request;
  const killer = createKiller();
  const works = createWorks(request, killer.end);

  const explain = (worker: string, how: string): string => {
    const work = works.of(worker);
    if (work === undefined) return how;
    const seconds = (performance.now() - work.startedAt) / 1000;
    return deathReport({ how, seconds, endedBecause: killer.reasonFor(worker), output: outputSince(work.fromBytes) });
  };

  return {
    receive(message, worker) {
      switch (message.kind) {
        case 'hello':
          killer.meet(message.worker, message.pid);
          return message;
        case 'collecting':
          works.begin(worker, 'collecting', hangSeconds(shardSeconds(worker)));
          return message;
        case 'test-started':
          works.begin(worker, 'running', testLimitSeconds(testTimeoutSeconds, shardSeconds(worker)));
          return message;
        // The teardown of session and package fixtures. In plain pytest it belongs to the last test that needed them.
        case 'tearing-down':
          works.begin(worker, 'in a teardown', testLimitSeconds(testTimeoutSeconds, shardSeconds(worker)));
          return message;
        case 'examining':
          if (message.step === 'imports') works.begin(worker, 'loading modules', hangSeconds(shardSeconds(worker)));
          else works.begin(worker, 'running', testLimitSeconds(testTimeoutSeconds, shardSeconds(worker)));
          return message;
        case 'examined':
        case 'torn-down':
        case 'collected':
        case 'collect-failed':
        case 'listed':
        case 'file-collected':
        case 'test-finished':
        case 'task-done':
          works.rest(worker);
          return message;
        case 'worker-down': {
          const explained = { ...message, error: explain(message.worker, message.error) };
          works.rest(message.worker);
          killer.forget(message.worker);
          return explained;
        }
        default:
          return message;
      }
    },
    endedHere: (worker) => (killer.reasonFor(worker) !== null && killer.knows(worker) ? explain(worker, 'it was ended') : null),
    close() {
      works.close();
      killer.close();
    },
  };
}

/** What each worker is doing. `late` is called with the reason when its work takes longer than the limit. */
function createWorks({ testTimeoutSeconds, printedBytes }: HangWatchdogRequest, late: (worker: string, why: string) => void) {
  const works = new Map<string, Work>();
  const rest = (worker: string): void => {
    clearTimeout(works.get(worker)?.timer);
    works.delete(worker);
  };
  return {
    of: (worker: string): Work | undefined => works.get(worker),
    rest,
    begin(worker: string, what: Activity, limitSeconds: number): void {
      rest(worker);
      const why = `as it was still ${what} after ${limitSeconds} s${isTest(what) && testTimeoutSeconds !== null ? ', the --test-timeout' : ''}`;
      const timer = setTimeout(() => late(worker, why), Math.min(limitSeconds * 1000, LONGEST_TIMER_MS));
      works.set(worker, { startedAt: performance.now(), fromBytes: printedBytes(), timer });
    },
    close(): void {
      for (const worker of [...works.keys()]) rest(worker);
    },
  };
}

/** Ends processes: it sends SIGABRT, at which faulthandler writes the stacks of the threads, and SIGKILL a little later. */
function createKiller() {
  const pids = new Map<string, number>();
  const reasons = new Map<string, string>();
  const timers = new Map<string, NodeJS.Timeout>();
  return {
    meet: (worker: string, pid: number): void => void pids.set(worker, pid),
    knows: (worker: string): boolean => pids.has(worker),
    /** Why it ended the worker; null when it did not. */
    reasonFor: (worker: string): string | null => reasons.get(worker) ?? null,
    end(worker: string, why: string): void {
      const pid = pids.get(worker);
      if (pid === undefined) return;
      reasons.set(worker, why);
      sendSignal(pid, 'SIGABRT');
      timers.set(
        worker,
        setTimeout(() => sendSignal(pid, 'SIGKILL'), DUMP_MS),
      );
    },
    forget(worker: string): void {
      pids.delete(worker);
      // The operating system may soon give the process id to another process.
      clearTimeout(timers.get(worker));
    },
    close(): void {
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}
