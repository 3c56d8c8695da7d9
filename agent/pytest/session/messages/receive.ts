// Passes each message from pytest to its handler.

import type { PytestMessage } from '../../codec.ts';
import type { FedSession } from '../fed-session.ts';
import { collectionMessages } from './collection-messages.ts';
import type { Handlers } from './handlers.ts';
import { sessionMessages } from './session-messages.ts';
import { taskMessages } from './task-messages.ts';
import { workerMessages } from './worker-messages.ts';

/** The type ensures that no kind of message is without a handler. */
const handlers: Handlers = { ...sessionMessages, ...collectionMessages, ...workerMessages, ...taskMessages };

/** A message about a death reaches its handler with what the watchdog knows about that death. */
export function receive(session: FedSession, received: PytestMessage, worker: string): void {
  const message = session.watchdog.receive(received, worker);
  // The compiler cannot see that a message and the handler of its kind belong together.
  const handle = handlers[message.kind] as (session: FedSession, message: PytestMessage, worker: string) => void;
  handle(session, message, worker);
}
