// Which xdist worker is at which task, and what waits for one. A task that waits lies already with a worker that is busy, so that no worker waits for
// us; whoever claims it first has it: that worker when it comes to it, or we, for another worker that is idle.

export interface FeedingRequest<Task> {
  /** Sends a task to a worker, which begins it at once, or after what it is at if it still can have the claim; false when the worker is not there. */
  readonly send: (worker: string, task: Task, claim: string | null) => boolean;
  /** A name that nobody has claimed. */
  readonly newClaim: () => string;
  /** Claims it, unless a worker has; false then. */
  readonly takeBack: (claim: string) => boolean;
  /** Hears which task a worker is at from now on. */
  readonly began: (worker: string, task: Task) => void;
}

export interface Feeding<Task> {
  add(task: Task): void;
  /** It goes before all that waits. */
  addFirst(task: Task): void;
  /** The worker waits. */
  free(worker: string): void;
  /** The worker is done with what it was at, which is returned, and goes on with the next or waits. */
  done(worker: string): Task | undefined;
  /** The worker is done with what it had ahead, before what it is at; false when it does not have this task ahead. */
  doneAhead(worker: string, task: Task): boolean;
  /** Brings the worker another task to go on with after what it is at; false when there is none here. */
  promise(worker: string): boolean;
  /** The worker takes nothing any more. What it was at is returned, what lay there waits again. */
  leave(worker: string): Task | undefined;
  /** Takes the task out, or names the worker that is at it; null when it is unknown. */
  withdraw(task: Task): { readonly kind: 'withdrawn' } | { readonly kind: 'begun'; readonly worker: string } | null;
  /** What the worker is at. */
  atWork(worker: string): Task | undefined;
  /** Is the worker one that works or waits? */
  holds(worker: string): boolean;
  /** What workers are at. */
  running(): readonly Task[];
  /** All that is not done, taken out. */
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
