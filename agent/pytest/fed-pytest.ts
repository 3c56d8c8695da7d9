// One pytest process with fed xdist workers, as the engine sees it: it starts, runs attempts, and ends. Its parts are in session/.

import { setTimeout as delay } from 'node:timers/promises';
import type { AttemptRequest } from '../../shared/domain/attempt.ts';
import { giveTo } from '../../shared/system/other-user.ts';
import { causeOf } from '../core/interrupt.ts';
import { RunOver, type Session } from '../ports.ts';
import type { AttemptLog, StartedPytest } from './attempt-log.ts';
import type { Covered } from './coverage-ledger.ts';
import type { FedEnding } from './fed-task.ts';
import { openPluginSocket, type PluginSocket } from './plugin-socket.ts';
import { type FedRequest, notStarted } from './session/fed-request.ts';
import { createFedSession, type FedSession } from './session/fed-session.ts';
import type { AttemptStops } from './session/interruptions.ts';
import { receive } from './session/messages/receive.ts';
import { runToExit } from './session/session-exit.ts';
import { awaitDeathNotice, loseWorker } from './session/worker-end.ts';

/** Time that an ending session has for its last teardowns. */
const END_MS = 30_000;

/** The facts that an agent's session reports about its pytest. */
export const infoOf = ({ workers, python, pytest, xdist, fingerprint }: StartedPytest): Session['info'] => ({
  workers,
  python,
  pytest,
  xdist,
  installed: fingerprint,
});

/** One pytest process whose xdist workers are fed. */
export interface FedPytest {
  readonly info: Session['info'];
  run(log: AttemptLog, attempt: AttemptRequest, stops: AttemptStops): Promise<FedEnding>;
  isOver(): boolean;
  /** Largest sum of its xdist workers' resident memory in bytes, as they reported it. */
  peakRssBytes(): number;
  /** Processor time of all its xdist workers in seconds; each counts up to the end of its last test. */
  cpuSeconds(): number;
  /** Resolves when the process is gone and its last message has been read. */
  readonly ended: Promise<void>;
  /** The attempts with measured coverage; final once the process has ended. */
  readonly covered: Covered['ledger'];
  /** Makes every worker tear down its fixtures, then kills what is left. */
  end(): Promise<void>;
}

/**
 * Starts pytest and resolves when its first xdist worker is ready.
 * Throws `session-not-started`, `no-workspace` and `no-python`.
 */
export async function startFed(request: FedRequest): Promise<FedPytest> {
  const session = createFedSession(request, (worker, message) => pluginSocket.send(worker, message));
  const { usage, covered, mode, failure } = session;
  const pluginSocket: PluginSocket = await openPluginSocket(
    request.socket,
    (message, worker) => receive(session, message, worker),
    failure.fail,
    request.room,
    (worker) => awaitDeathNotice(session, worker),
  );
  await giveTo(request.user, request.socket, 0o600);
  const exited = runToExit(session, pluginSocket);
  // The code below awaits this promise and reports a failure to start.
  exited.catch(() => undefined);
  const pytest = await firstReady(session, exited);
  return {
    info: infoOf(pytest),
    run: (log, attempt, stops) => run(session, log, attempt, stops),
    isOver: () => mode.now() === 'gone',
    peakRssBytes: usage.peakRssBytes,
    cpuSeconds: usage.cpuSeconds,
    ended: exited.then(() => undefined),
    covered: covered.ledger,
    end: () => end(session, exited),
  };
}

/** Resolves with what pytest reported about itself. A session that does not start in time, or at all, is gone when this rejects. */
async function firstReady(session: FedSession, exited: Promise<string>): Promise<StartedPytest> {
  const { request, startUp, silence, failure, pytest } = session;
  const { ending } = request;
  const onEnding = (): void => failure.giveUp(new RunOver());
  ending.addEventListener('abort', onEnding, { once: true });
  if (ending.aborted) onEnding();
  silence.expect();
  try {
    const early = exited.then((how) => Promise.reject(failure.cause() ?? notStarted(request, how)));
    return await Promise.race([startUp.done, early, silence.late]);
  } catch (thrown) {
    pytest.kill();
    await exited.catch(() => undefined);
    throw thrown;
  } finally {
    silence.rest();
    ending.removeEventListener('abort', onEnding);
  }
}

async function run(session: FedSession, log: AttemptLog, attempt: AttemptRequest, stops: AttemptStops): Promise<FedEnding> {
  const { tasks, feeding, interruptions, mode } = session;
  // The attempt may have been interrupted, or recalled, while the session started.
  if (stops.interrupt.aborted) return { kind: 'interrupted', by: causeOf(stops.interrupt) };
  if (stops.recall?.aborted) return { kind: 'interrupted', by: 'shutdown' };
  const settled = Promise.withResolvers<FedEnding>();
  const task = tasks.open(log, attempt, settled.resolve);
  const stopListening = interruptions.endWhenAborted(task, stops);
  if (mode.now() === 'gone') tasks.settle(task, { kind: 'again', isBlamed: false });
  else feeding.add(task);
  try {
    return await settled.promise;
  } finally {
    stopListening();
  }
}

async function end(session: FedSession, exited: Promise<string>): Promise<void> {
  const { mode, roster, send, tasks, pytest } = session;
  if (mode.now() === 'serving') mode.move('ending');
  for (const worker of roster.met()) send(worker, { kind: 'end' });
  const late = new AbortController();
  await Promise.race([exited, delay(END_MS, null, { signal: late.signal }).catch(() => undefined)]);
  late.abort();
  // Only a worker that is still in a teardown counts this as a failure.
  if (mode.now() !== 'gone')
    for (const worker of tasks.workers()) loseWorker(session, worker, `its last teardowns took longer than ${END_MS / 1000} s`, false);
  pytest.kill();
  await exited.catch(() => undefined);
}
