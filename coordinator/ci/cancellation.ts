// How a command learns that it must end: by a signal, or in a CI job because the process that started it is gone.

import type { Edge } from '../../shared/system/edge.ts';
import type { Interrupts } from '../run-loop.ts';
import { ciJob } from './job.ts';

/** Interval at which a command in a CI job looks for the process that started it. */
const PARENT_MS = 250;
/**
 * How long a command in a CI job waits for running tests. GitHub Actions signals only the shell of a step, which does not pass it on, and
 * kills all processes 2.5 s after the shell has ended. Other providers kill 10 s after the signal or later.
 */
const WAIT_MS = { parent: 1000, signal: 4000 } as const;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Cancellation extends Interrupts {
  /** Stops listening. */
  stop(): void;
}

/** A second signal forces the end. In a CI job it is forced after a few seconds, because the provider does not wait. */
export function followCancellation(edge: Edge): Cancellation {
  const requested = new AbortController();
  const forced = new AbortController();
  const isJob = ciJob(edge.env) !== null;
  let forcing: NodeJS.Timeout | null = null;
  const end = (reason: string, waitMs: number): void => {
    if (requested.signal.aborted) forced.abort(reason);
    else if (isJob) forcing = setTimeout(() => forced.abort(reason), waitMs).unref();
    requested.abort(reason);
  };
  const ignore = SIGNALS.map((name) => edge.onSignal(name, () => end(name, WAIT_MS.signal)));
  const parent = edge.parent();
  const look = (): void => {
    if (edge.parent() === parent) return;
    clearInterval(watching);
    end('the end of its parent process', WAIT_MS.parent);
  };
  const watching = setInterval(look, PARENT_MS).unref();
  if (!isJob) clearInterval(watching);
  return {
    requested: requested.signal,
    forced: forced.signal,
    stop() {
      for (const stop of ignore) stop();
      clearInterval(watching);
      if (forcing !== null) clearTimeout(forcing);
    },
  };
}
