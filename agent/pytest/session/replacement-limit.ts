// Limits how long a session may be without a worker that may run tests. If a replacement hangs at its start, the waiting tasks would
// otherwise never run.

export interface ReplacementLimit {
  /** Starts the clock, unless it runs or has run out. */
  expect(): void;
  /** Stops the clock. */
  rest(): void;
}

export function createReplacementLimit(ms: number, late: () => void): ReplacementLimit {
  let timer: NodeJS.Timeout | null = null;
  return {
    expect() {
      timer ??= setTimeout(late, ms);
    },
    rest() {
      clearTimeout(timer ?? undefined);
      timer = null;
    },
  };
}
