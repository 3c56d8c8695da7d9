// Lets no test start before every first worker is ready, as under plain xdist: a worker that is still starting may clear files that
// another's tests have made.

type Gate =
  /** `timer` runs while workers wait for others. */
  { readonly kind: 'closed'; waiting: readonly string[]; timer: NodeJS.Timeout | undefined } | { readonly kind: 'open' };

export interface StartGateRequest {
  /** Whether every worker is ready. */
  readonly isComplete: () => boolean;
  /** The worker may run tests. */
  readonly admit: (worker: string) => void;
  /** How long ready workers wait for the next sign of progress of another one. */
  readonly patienceMs: number;
  /** The gate opens although a worker is missing. */
  readonly late: () => void;
}

export interface StartGate {
  /** The worker is ready. It is admitted now, or when the gate opens. */
  arrive(worker: string): void;
  /** The worker is gone. */
  leave(worker: string): void;
  /** A worker has made progress, so those that wait give the others more time. */
  expectOthers(): void;
  /** Opens the gate for good if every worker is ready. */
  openIfComplete(): void;
  /** Stops the clock. */
  rest(): void;
}

export function createStartGate({ isComplete, admit, patienceMs, late }: StartGateRequest): StartGate {
  let gate: Gate = { kind: 'closed', waiting: [], timer: undefined };

  const rest = (): void => {
    if (gate.kind === 'closed') clearTimeout(gate.timer);
  };
  const open = (): void => {
    if (gate.kind === 'open') return;
    rest();
    const { waiting } = gate;
    gate = { kind: 'open' };
    for (const worker of waiting) admit(worker);
  };
  const openIfComplete = (): void => {
    if (isComplete()) open();
  };
  // A worker that hangs at its start must not keep the others from running tests.
  const expectOthers = (): void => {
    if (gate.kind === 'open' || gate.waiting.length === 0) return;
    rest();
    gate.timer = setTimeout(() => {
      late();
      open();
    }, patienceMs);
  };

  return {
    arrive(worker) {
      if (gate.kind === 'open') {
        admit(worker);
        return;
      }
      gate.waiting = [...gate.waiting, worker];
      expectOthers();
      openIfComplete();
    },
    leave(worker) {
      if (gate.kind === 'closed') gate.waiting = gate.waiting.filter((each) => each !== worker);
    },
    expectOthers,
    openIfComplete,
    rest,
  };
}
