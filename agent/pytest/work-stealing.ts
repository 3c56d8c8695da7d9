// Which xdist worker runs which task, and which tasks wait. A waiting task is sent ahead to a busy worker, so that no worker waits for the
// agent.
// The first to claim such a task runs it: that worker when it gets there, or the agent for another worker that is idle.

import { createSentAhead, type SentAhead, type Withdrawal } from './sent-ahead.ts';

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
  withdraw(task: Task): Withdrawal | null;
  /** The worker's current task. */
  atWork(worker: string): Task | undefined;
  /** Whether the worker is busy or idle, and not gone. */
  holds(worker: string): boolean;
  /** The current tasks of all workers. */
  running(): readonly Task[];
  /** Removes and returns every unfinished task. */
  clear(): readonly Task[];
}

/** Where tasks and workers are. A worker is idle or busy; only a busy one has a task sent ahead to it. */
interface Board<Task> {
  readonly queue: Task[];
  readonly idle: string[];
  readonly busy: Map<string, Task>;
  readonly ahead: SentAhead<Task>;
}

export function createFeeding<Task>(request: FeedingRequest<Task>): Feeding<Task> {
  const board: Board<Task> = { queue: [], idle: [], busy: new Map(), ahead: createSentAhead(request) };
  const { queue, idle, busy, ahead } = board;
  const pump = (): void => fillWorkers(board, request);
  return {
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
      const next = ahead.remove(worker);
      busy.delete(worker);
      if (next === undefined) idle.push(worker);
      else begin(board, request, worker, next);
      pump();
      return task;
    },
    doneAhead(worker, task) {
      if (ahead.of(worker) !== task) return false;
      ahead.remove(worker);
      pump();
      return true;
    },
    promise: (worker) => ahead.of(worker) !== undefined || (busy.has(worker) && sendAhead(board, worker, nextFor(board))),
    leave(worker) {
      const task = busy.get(worker);
      const next = ahead.remove(worker);
      removeFrom(idle, worker);
      busy.delete(worker);
      if (next !== undefined) queue.unshift(next);
      pump();
      return task;
    },
    withdraw(task) {
      if (removeFrom(queue, task)) return { kind: 'withdrawn' };
      const taken = ahead.withdraw(task);
      if (taken !== null) return taken;
      for (const [worker, each] of busy) if (each === task) return { kind: 'begun', worker };
      return null;
    },
    atWork: (worker) => busy.get(worker),
    holds: (worker) => busy.has(worker) || idle.includes(worker),
    running: () => [...busy.values()],
    clear() {
      const all = [...busy.values(), ...ahead.clear(), ...queue.splice(0)];
      busy.clear();
      return all;
    },
  };
}

/** Gives each idle worker a task; then sends the tasks that still wait ahead to busy workers. */
function fillWorkers<Task>(board: Board<Task>, request: FeedingRequest<Task>): void {
  const { queue, idle, busy, ahead } = board;
  for (let worker = idle[0]; worker !== undefined; worker = idle[0]) {
    const task = nextFor(board);
    if (task === undefined) break;
    idle.shift();
    if (request.send(worker, task, null)) begin(board, request, worker, task);
    else queue.unshift(task);
  }
  for (const worker of busy.keys()) {
    if (ahead.of(worker) !== undefined) continue;
    if (queue.length === 0) return;
    sendAhead(board, worker, queue.shift());
  }
}

/** The task that waits longest, or else one that was sent ahead to a worker that has not begun it. */
const nextFor = <Task>({ queue, ahead }: Board<Task>): Task | undefined => queue.shift() ?? ahead.recall();

function begin<Task>({ busy }: Board<Task>, { began }: FeedingRequest<Task>, worker: string, task: Task): void {
  busy.set(worker, task);
  began(worker, task);
}

/** A task that cannot be sent waits again. Returns whether one was sent. */
function sendAhead<Task>({ queue, ahead }: Board<Task>, worker: string, task: Task | undefined): boolean {
  if (task === undefined) return false;
  if (ahead.send(worker, task)) return true;
  queue.unshift(task);
  return false;
}

function removeFrom<Each>(list: Each[], each: Each): boolean {
  const at = list.indexOf(each);
  if (at !== -1) list.splice(at, 1);
  return at !== -1;
}
