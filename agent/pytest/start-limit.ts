// How long a session may be silent before it collects. The time in which it waits for the coordinator does not count.

export interface StartLimit {
  /** Rejects when the session was silent for too long. */
  readonly late: Promise<never>;
  /** The session is expected to go on by itself from now on. */
  expect(): void;
  /** It goes on, or waits for somebody else. */
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
