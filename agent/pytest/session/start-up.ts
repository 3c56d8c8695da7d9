// The wait for the start of one session: pytest has reported about itself, and a worker may run tests.

import type { StartedPytest } from '../attempt-log.ts';

export interface StartUp {
  /** Resolves with what pytest reported when a worker may run tests as well. Rejects with the cause of `refuse`. */
  readonly done: Promise<StartedPytest>;
  started(pytest: StartedPytest): void;
  /** A worker may run tests. */
  ready(): void;
  /** The session will not start. Has no effect on one that has started. */
  refuse(cause: unknown): void;
}

export function createStartUp(): StartUp {
  const started = Promise.withResolvers<StartedPytest>();
  const ready = Promise.withResolvers<void>();
  const done = Promise.all([started.promise, ready.promise]).then(([pytest]) => pytest);
  // The cause may come before anything awaits the start and reports it.
  done.catch(() => undefined);
  return { done, started: started.resolve, ready: () => ready.resolve(), refuse: ready.reject };
}
