// What the end of one worker means for the session and for the attempt that it ran.

import { assertNever } from '../../../shared/assert-never.ts';
import { afterLoss } from '../../core/after-loss.ts';
import { blameLoss, crashed, isStopped, type Task } from '../fed-task.ts';
import { notStarted } from './fed-request.ts';
import type { FedSession } from './fed-session.ts';
import type { MessageOf } from './messages/handlers.ts';

/** Longest delay between the end of a worker's connection and the message about its death. */
const DEATH_NOTICE_MS = 5000;

/** If no worker may run tests, a new one must become ready in time. */
export function expectWorker({ roster, mode, lists, failure, request, replacement }: FedSession): void {
  if (!roster.isEmpty() || !mode.isOpen()) return;
  // Workers with another list wait for an end that xdist does not send, so xdist replaces none of them.
  if (roster.isComplete() && lists.hasOdd()) {
    const problem = 'no xdist worker is left that collected the same tests as the first one: some test ids differ between processes';
    failure.giveUp(notStarted(request, problem));
  } else replacement.expect();
}

/** The worker ends in order: it is recycled, or it is the last of a session that ends by itself. */
export function retireWorker(session: FedSession, worker: string): void {
  session.roster.retire(worker);
  expectWorker(session);
}

/** The worker is gone. Its current test or file is to blame; the rest of its attempt goes to another worker. */
export function loseWorker(session: FedSession, worker: string, error: string, isReplaced: boolean): void {
  const { collection, feeding, gate, lists, usage, roster, deadly, failure, request, tasks } = session;
  const task = feeding.leave(worker);
  gate.leave(worker);
  lists.lose(worker);
  collection.lose(worker);
  usage.forget(worker);
  roster.lose(worker, isReplaced);
  expectWorker(session);
  if (!deadly.lose(worker, error) && roster.diedAtStart(worker))
    failure.giveUp(notStarted(request, `its xdist workers crash at their start: ${error}`));
  gate.openIfComplete();
  const down = { kind: 'worker-down', worker, error, isReplaced } as const;
  if (task === undefined) tasks.latestOf(worker)?.log.receive(down, worker);
  else loseTask(session, task, down);
}

function loseTask({ covered, feeding, mode, tasks }: FedSession, task: Task, down: MessageOf<'worker-down'>): void {
  covered.lose(task.attempt);
  const isBlamed = blameLoss(task, down, down.worker);
  if (!isBlamed) task.unexplained += 1;
  const isOver = mode.now() === 'gone';
  const isWorkLeft = task.selectors.length > 0;
  const next = afterLoss({ isWorkLeft, isStopped: isStopped(task) || isOver, isBlamed, unexplained: task.unexplained });
  switch (next) {
    case 'finished':
      tasks.settle(task, { kind: 'finished' });
      return;
    case 'again':
      feeding.addFirst(task);
      return;
    case 'crashed':
      tasks.settle(task, crashed(null, null, task, `xdist worker ${down.worker} ended between tests: ${down.error}`));
      return;
    default:
      assertNever(next);
  }
}

/** The worker's connection has ended. A worker that ends in order in the middle of a task (pytest.exit, -x) sends no `worker-down`. */
export function awaitDeathNotice(session: FedSession, worker: string): void {
  setTimeout(() => {
    if (session.feeding.holds(worker)) loseWorker(session, worker, 'it ended before its task', false);
  }, DEATH_NOTICE_MS).unref();
}
