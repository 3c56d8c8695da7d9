// Which xdist worker runs which task, and which tasks wait. A waiting task is sent ahead to a busy worker, so that no worker waits for the
// agent.
// The first to claim such a task runs it: that worker when it gets there, or the agent for another worker that is idle.

export interface FeedingRequest<Task> {
  /**
   * Sends a task to a worker. Without a claim the worker starts it at once; with one it starts it after its current task, if it can still
   * take the claim. Returns false when the worker is gone.
   */
  readonly send: (worker: string, task: Task, claim: string | null) => boolean;
  /** Returns a new claim that no process has taken. */
  readonly newClaim: () => string;
  /** Takes the claim. Returns false when a worker has it. */
  readonly takeBack: (claim: string) => boolean;
  /** Called when a worker starts a task. */
  readonly began: (worker: string, task: Task) => void;
}

export interface Feeding<Task> {
  add(task: Task): void;
  /** Adds a task before all waiting ones. */
  addFirst(task: Task): void;
  /** The worker is idle. */
  free(worker: string): void;
  /** The worker completed its current task, which is returned. It continues with the task sent ahead, or becomes idle. */
  done(worker: string): Task | undefined;
  /** The worker completed the task sent ahead before its current one. Returns false when this task was not sent ahead to it. */
  doneAhead(worker: string, task: Task): boolean;
  /** Ensures that a task is sent ahead to the worker. Returns false when there is none to send. */
  promise(worker: string): boolean;
  /** The worker takes no more tasks. Returns its current task; the task sent ahead to it waits again. */
  leave(worker: string): Task | undefined;
  /** Removes a waiting task, or names the worker that runs it. Returns null when the task is unknown. */
  withdraw(task: Task): { readonly kind: 'withdrawn' } | { readonly kind: 'begun'; readonly worker: string } | null;
  /** The worker's current task. */
  atWork(worker: string): Task | undefined;
  /** Whether the worker is busy or idle, and not gone. */
  holds(worker: string): boolean;
  /** The current tasks of all workers. */
  running(): readonly Task[];
  /** Removes and returns every unfinished task. */
  clear(): readonly Task[];
}

export function createFeeding<Task>({ send, newClaim, takeBack, began }: FeedingRequest<Task>): Feeding<Task> {
  const queue: Task[] = [];
  const idle: string[] = [];
  const busy = new Map<string, Task>();
  const ahead = new Map<string, { readonly task: Task; readonly claim: string }>();

  const begin = (worker: string, task: Task): void => {
    busy.set(worker, task);
    began(worker, task);
  };

  const sendAhead = (worker: string, task: Task): boolean => {
    const claim = newClaim();
    if (!send(worker, task, claim)) return false;
    ahead.set(worker, { task, claim });
    return true;
  };

  const recall = (): Task | undefined => {
    for (const [worker, { task, claim }] of ahead) {
      if (!takeBack(claim)) continue;
      ahead.delete(worker);
      return task;
    }
    return undefined;
  };

  const pump = (): void => {
    for (let worker = idle[0]; worker !== undefined; worker = idle[0]) {
      const task = queue.shift() ?? recall();
      if (task === undefined) break;
      idle.shift();
      if (send(worker, task, null)) begin(worker, task);
      else queue.unshift(task);
    }
    for (const worker of busy.keys()) {
      if (ahead.has(worker)) continue;
      const task = queue.shift();
      if (task === undefined) return;
      if (!sendAhead(worker, task)) queue.unshift(task);
    }
  };

  return {
    doneAhead(worker, task) {
      if (ahead.get(worker)?.task !== task) return false;
      ahead.delete(worker);
      pump();
      return true;
    },
    promise(worker) {
      if (ahead.has(worker)) return true;
      if (!busy.has(worker)) return false;
      const task = queue.shift() ?? recall();
      if (task === undefined) return false;
      if (sendAhead(worker, task)) return true;
      queue.unshift(task);
      return false;
    },
    add(task) {
      queue.push(task);
      pump();
    },
    addFirst(task) {
      queue.unshift(task);
      pump();
    },
    free(worker) {
      idle.push(worker);
      pump();
    },
    done(worker) {
      const task = busy.get(worker);
      const next = ahead.get(worker);
      busy.delete(worker);
      ahead.delete(worker);
      if (next === undefined) idle.push(worker);
      else begin(worker, next.task);
      pump();
      return task;
    },
    leave(worker) {
      const task = busy.get(worker);
      const next = ahead.get(worker);
      const at = idle.indexOf(worker);
      if (at !== -1) idle.splice(at, 1);
      busy.delete(worker);
      ahead.delete(worker);
      if (next !== undefined) queue.unshift(next.task);
      pump();
      return task;
    },
    withdraw(task) {
      const at = queue.indexOf(task);
      if (at !== -1) {
        queue.splice(at, 1);
        return { kind: 'withdrawn' };
      }
      for (const [worker, next] of ahead) {
        if (next.task !== task) continue;
        if (!takeBack(next.claim)) return { kind: 'begun', worker };
        ahead.delete(worker);
        return { kind: 'withdrawn' };
      }
      for (const [worker, each] of busy) if (each === task) return { kind: 'begun', worker };
      return null;
    },
    atWork: (worker) => busy.get(worker),
    holds: (worker) => busy.has(worker) || idle.includes(worker),
    running: () => [...busy.values()],
    clear() {
      const all = [...busy.values(), ...[...ahead.values()].map(({ task }) => task), ...queue.splice(0)];
      busy.clear();
      ahead.clear();
      return all;
    },
  };
}
