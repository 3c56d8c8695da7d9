// Limits how long a session may be silent before it collects. Time in which it waits for the coordinator does not count.

/** Time from the start until the first xdist worker is ready; by then it has imported conftests and plugins. */
export const START_MS = 120_000;

export interface StartLimit {
  /** Rejects when the session was silent for too long. */
  readonly late: Promise<never>;
  /** Starts the clock: the session must make progress by itself. */
  expect(): void;
  /** Stops the clock: the session made progress, or waits for another process. */
  rest(): void;
}

export function createStartLimit(ms: number, problem: () => unknown): StartLimit {
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  return {
    late: late.promise,
    expect() {
      clearTimeout(timer);
      timer = setTimeout(() => late.reject(problem()), ms);
    },
    rest: () => clearTimeout(timer),
  };
}
