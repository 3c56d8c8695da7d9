// Messages about the life of one worker: it connects, becomes ready, and ends in order or not.

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

function declined(session: FedSession, _message: MessageOf<'declined'>, worker: string): void {
  const { feeding } = session;
  const task = feeding.leave(worker);
  retireWorker(session, worker);
  if (task !== undefined) feeding.addFirst(task);
}

export const workerMessages = {
  examining: ({ collection }, _message, worker) => collection.examine(worker),
  examined: ({ collection }, _message, worker) => collection.examined(worker),
  hello,
  ready,
  declined,
  'worker-down': (session, { worker, error, isReplaced }) => loseWorker(session, worker, error, isReplaced),
} satisfies Partial<Handlers>;
