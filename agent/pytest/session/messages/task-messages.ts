// Messages about the tests of one task, and about its end.

import { setTimeout as delay } from 'node:timers/promises';
import { doneEnding, type Task } from '../../fed-task.ts';
import { type FedSession, passOnShown } from '../fed-session.ts';
import { retireWorker } from '../worker-end.ts';
import type { Handlers, MessageOf } from './handlers.ts';

/** How long a worker at the last test it knows of waits for the next task while tasks wait in the queue, and how often it checks. */
const HOLD_MS = 1000;
const HOLD_STEP_MS = 50;

/** Does not keep the process of an agent that has nothing left to do. */
const noAnswer = (): Promise<false> => delay(HOLD_MS, false, { ref: false });

/** The worker holds back its last test until it knows the next one. */
async function promiseNext({ mode, feeding, request, send }: FedSession, worker: string): Promise<void> {
  for (let waitedMs = 0; mode.isOpen(); waitedMs += HOLD_STEP_MS) {
    if (feeding.promise(worker)) return;
    // The test must not wait for a Redis that fails, or that answers too late.
    const isMore = waitedMs < HOLD_MS && (await Promise.race([request.isMoreWaiting().catch(() => false), noAnswer()]));
    if (feeding.promise(worker)) return;
    if (!isMore) break;
    await delay(HOLD_STEP_MS);
  }
  send(worker, { kind: 'none' });
}

function requestExit({ tasks, feeding, covered }: FedSession, message: MessageOf<'exit-requested'>, worker: string): void {
  const task = tasks.latestOf(worker);
  task?.log.receive(message, worker);
  if (task?.log.isExitRequested !== true || feeding.leave(worker) !== task) return;
  covered.lose(task.attempt);
  tasks.settle(task, doneEnding(task, false));
}

function taskDone(session: FedSession, message: MessageOf<'task-done'>, worker: string): void {
  passOnShown(session);
  const { usage, tasks, feeding } = session;
  if (message.isLast) {
    usage.forget(worker);
    retireWorker(session, worker);
  }
  const empty = tasks.find(message.task);
  if (empty !== undefined && feeding.doneAhead(worker, empty)) {
    complete(session, empty, message);
    return;
  }
  // Free the worker first, because a task may be waiting for it; settle the task after that.
  const task = message.isLast ? feeding.leave(worker) : feeding.done(worker);
  if (task !== undefined) complete(session, task, message);
}

function complete({ covered, tasks }: FedSession, task: Task, { isCovered, isWhole }: MessageOf<'task-done'>): void {
  covered.done(task.attempt, isCovered);
  tasks.settle(task, doneEnding(task, isWhole));
}

function testFinished({ usage, tasks }: FedSession, message: MessageOf<'test-finished'>, worker: string): void {
  usage.receive(message, worker);
  const task = message.task === undefined ? tasks.latestOf(worker) : tasks.find(message.task);
  task?.log.receive(message, worker);
}

function log({ tasks }: FedSession, message: MessageOf<'test-started' | 'tearing-down' | 'torn-down'>, worker: string): void {
  tasks.latestOf(worker)?.log.receive(message, worker);
}

export const taskMessages = {
  'needs-next': (session, _message, worker) => void promiseNext(session, worker),
  'exit-requested': requestExit,
  'task-done': taskDone,
  'test-started': log,
  'test-finished': testFinished,
  'tearing-down': log,
  'torn-down': log,
} satisfies Partial<Handlers>;
