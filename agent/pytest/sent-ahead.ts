// The tasks that were sent to busy workers before they are needed. Each has a claim: the first to take it runs the task.

export interface SentAheadRequest<Task> {
  /** Sends a task with its claim to a worker. Returns false when the worker is gone. */
  readonly send: (worker: string, task: Task, claim: string) => boolean;
  /** Returns a new claim that no process has taken. */
  readonly newClaim: () => string;
  /** Takes the claim. Returns false when a worker has it. */
  readonly takeBack: (claim: string) => boolean;
}

/** A task that was taken back before its worker began it, or the worker that has begun it. */
export type Withdrawal = { readonly kind: 'withdrawn' } | { readonly kind: 'begun'; readonly worker: string };

/** At most one task for each worker. */
export interface SentAhead<Task> {
  /** Returns false when the worker is gone. */
  send(worker: string, task: Task): boolean;
  /** The task that was sent to the worker. */
  of(worker: string): Task | undefined;
  /** Forgets the worker's task and returns it. */
  remove(worker: string): Task | undefined;
  /** Takes the oldest task back that its worker has not begun. */
  recall(): Task | undefined;
  /** Takes this task back if its worker has not begun it. Returns null when it was not sent ahead. */
  withdraw(task: Task): Withdrawal | null;
  /** Removes and returns all. */
  clear(): readonly Task[];
}

export function createSentAhead<Task>({ send, newClaim, takeBack }: SentAheadRequest<Task>): SentAhead<Task> {
  const sent = new Map<string, { readonly task: Task; readonly claim: string }>();
  return {
    send(worker, task) {
      const claim = newClaim();
      if (!send(worker, task, claim)) return false;
      sent.set(worker, { task, claim });
      return true;
    },
    of: (worker) => sent.get(worker)?.task,
    remove(worker) {
      const task = sent.get(worker)?.task;
      sent.delete(worker);
      return task;
    },
    recall() {
      for (const [worker, { task, claim }] of sent) {
        if (!takeBack(claim)) continue;
        sent.delete(worker);
        return task;
      }
      return undefined;
    },
    withdraw(task) {
      for (const [worker, each] of sent) {
        if (each.task !== task) continue;
        if (!takeBack(each.claim)) return { kind: 'begun', worker };
        sent.delete(worker);
        return { kind: 'withdrawn' };
      }
      return null;
    },
    clear() {
      const all = [...sent.values()].map(({ task }) => task);
      sent.clear();
      return all;
    },
  };
}
