// Messages about the life of one worker: it connects, becomes ready, and ends in order or not.

import { doneEnding, isStopped } from '../../fed-task.ts';
import { type FedSession, passOnShown } from '../fed-session.ts';
import { expectWorker, loseWorker, retireWorker } from '../worker-end.ts';
import type { Handlers, MessageOf } from './handlers.ts';

function hello(session: FedSession, { worker, pid }: MessageOf<'hello'>): void {
  const { roster, silence, gate } = session;
  roster.meet(worker, pid);
  silence.rest();
  gate.expectOthers();
  beginCollecting(session, worker);
}

/** Makes the worker collect if the coordinator has decided how. Until a first worker is ready, the session must then make progress. */
export function beginCollecting({ collection, roster, silence }: FedSession, worker: string): void {
  if (collection.begin(worker) && !roster.hasBorn()) silence.expect();
}

function ready(session: FedSession, _message: MessageOf<'ready'>, worker: string): void {
  const { collection, roster, mode, startUp, replacement, send, gate } = session;
  passOnShown(session);
  const mayRunTests = collection.ready(worker);
  roster.ready(worker, mayRunTests);
  if (mayRunTests) {
    if (mode.now() === 'starting') mode.move('serving');
    startUp.ready();
    replacement.rest();
  }
  if (mode.now() === 'ending') send(worker, { kind: 'end' });
  else if (mayRunTests) gate.arrive(worker);
  else {
    expectWorker(session);
    gate.openIfComplete();
  }
}

/** The worker ends before its task does. */
function handedBack(session: FedSession, { isCovered }: MessageOf<'handed-back'>, worker: string): void {
  const { covered, feeding, tasks, usage } = session;
  passOnShown(session);
  const task = feeding.leave(worker);
  usage.forget(worker);
  retireWorker(session, worker);
  if (task === undefined) return;
  covered.done(task.attempt, isCovered);
  task.selectors = task.log.remaining();
  if (isStopped(task)) tasks.settle(task, doneEnding(task, false));
  // Without xdist workers, the session ends with this process.
  else if (worker === 'main') tasks.settle(task, { kind: 'again', isBlamed: task.isBegun });
  else feeding.addFirst(task);
}

export const workerMessages = {
  examining: ({ collection }, _message, worker) => collection.examine(worker),
  examined: ({ collection }, _message, worker) => collection.examined(worker),
  hello,
  ready,
  'handed-back': handedBack,
  'worker-down': (session, { worker, error, isReplaced }) => loseWorker(session, worker, error, isReplaced),
} satisfies Partial<Handlers>;
