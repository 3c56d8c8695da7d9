// Runs the pytest of one session to its exit, and settles what it leaves.

import { messageOf } from '../../../shared/errors.ts';
import type { PytestExit } from '../../../shared/pytest/start-pytest.ts';
import { tailOf } from '../../../shared/text/tail.ts';
import { sessionEnding } from '../../core/session-ending.ts';
import { blameLoss, crashed, isStopped, type Task } from '../fed-task.ts';
import type { PluginSocket } from '../plugin-socket.ts';
import { type FedSession, passOnShown } from './fed-session.ts';

/** The length of pytest's output in an ending. */
const DETAIL_CHARS = 8000;

/** Starts pytest and resolves when it is gone and every task is settled. Resolves with how it ended and its last output. */
export async function runToExit(session: FedSession, pluginSocket: PluginSocket): Promise<string> {
  const { pytest, silence, replacement, gate, failure, mode, watchdog } = session;
  const exit = await pytest.run();
  await pluginSocket.drained();
  passOnShown(session);
  silence.rest();
  replacement.rest();
  gate.rest();
  const how = exit.signal === null ? `pytest ended with exit code ${exit.exitCode}` : `pytest was killed by ${exit.signal}`;
  const output = tailOf(pytest.output().trim(), DETAIL_CHARS);
  reportEnding(session, exit, output);
  const cause = failure.cause();
  const detail = `${how}${cause === null ? '' : `\n${messageOf(cause)}`}\n${output}`;
  mode.move('gone');
  settleRest(session, exit, how, detail);
  watchdog.close();
  await pluginSocket.close();
  return detail;
}

/** Only a session that ended in order, with nothing cut short, has an exit code that its hooks chose. */
function reportEnding({ mode, failure, interruptions, pytest, request }: FedSession, { exitCode }: PytestExit, output: string): void {
  if (mode.now() !== 'ending' || failure.cause() !== null || interruptions.hasInterfered()) return;
  const end = sessionEnding({ finished: pytest.finished(), exitCode, output });
  if (end.problem !== null || end.acceptsNoTests) request.ended?.(end);
}

/** The whole process is gone. No single test caused that, so no xdist worker's test is blamed. */
function settleRest(session: FedSession, { exitCode, signal }: PytestExit, how: string, detail: string): void {
  const { feeding, covered, tasks } = session;
  const alive = feeding.atWork('main');
  for (const task of feeding.clear()) {
    if (task.isBegun) covered.lose(task.attempt);
    if (!task.isBegun) tasks.settle(task, { kind: 'again', isBlamed: false });
    else if (task === alive && isToBlame(session, task, how))
      tasks.settle(task, task.selectors.length === 0 ? { kind: 'finished' } : { kind: 'again', isBlamed: true });
    else tasks.settle(task, crashed(exitCode, signal, task, detail));
  }
}

/** Without xdist workers pytest itself runs the tests, so the test during which it ended is to blame. Returns whether there was one. */
function isToBlame({ watchdog }: FedSession, task: Task, how: string): boolean {
  if (isStopped(task)) return false;
  const error = watchdog.endedHere('main') ?? how;
  return blameLoss(task, watchdog.receive({ kind: 'worker-down', worker: 'main', error, isReplaced: false }, 'main'), 'main');
}
