// Messages about what workers collect: the whole list, or the files of a task.

import type { FedSession } from '../fed-session.ts';
import type { Handlers, MessageOf } from './handlers.ts';

function collecting(session: FedSession, message: MessageOf<'collecting'>, worker: string): void {
  const { silence, gate, replacement, deadly, tasks } = session;
  silence.rest();
  gate.expectOthers();
  replacement.rest();
  // Task 0 is the whole list, or the companions; `.` is not a file.
  if (message.task === 0 && message.file !== '.') deadly.begin(worker, message.file);
  if (message.task !== 0) tasks.find(message.task)?.log.receive(message, worker);
}

function listed({ lists, request }: FedSession, message: MessageOf<'listed'>, worker: string): void {
  if (lists.take(worker, message)) return;
  request.print(
    `xdist worker ${worker} collected other tests than the first one, so it runs none: some test ids differ between processes. Fix: give parameters a fixed order, for example with sorted(...)`,
  );
}

function failInternally({ tasks, deadly }: FedSession, message: MessageOf<'internal-error'>, worker: string): void {
  const task = tasks.latestOf(worker);
  if (task === undefined) deadly.fail(worker, message.message);
  else task.log.receive(message, worker);
}

function collected({ tasks }: FedSession, message: MessageOf<'collected' | 'collect-failed'>, worker: string): void {
  tasks.find(message.task)?.log.receive(message, worker);
}

export const collectionMessages = {
  collecting,
  'file-collected': ({ deadly }, _message, worker) => deadly.end(worker),
  listed,
  'list-group': ({ lists }, message, worker) => lists.group(worker, message),
  'list-end': ({ lists }, message, worker) => lists.end(worker, message),
  'internal-error': failInternally,
  collected,
  'collect-failed': collected,
} satisfies Partial<Handlers>;
