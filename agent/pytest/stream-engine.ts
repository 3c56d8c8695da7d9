// The engine that keeps one `pytest -n` session for a whole run and feeds its xdist workers.
// It owns the session's directory and replaces a session that died.

import type { AttemptEnding, AttemptRequest } from '../../shared/domain/attempt.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { sum } from '../../shared/numbers.ts';
import { makeSessionDirectory, removeSessionDirectory } from '../../shared/pytest/session-file.ts';
import { averageWith, SHORT_MS, slotsFor } from '../core/attempt-pace.ts';
import { causeOf } from '../core/interrupt.ts';
import type { Engine, Session, SessionRequest } from '../ports.ts';
import { type AttemptLog, createAttemptLog } from './attempt-log.ts';
import type { FedPytest } from './fed-pytest.ts';
import { createLivingPytest, type LivingPytest } from './living-pytest.ts';
import type { SelfTest } from './self-test.ts';
import type { AttemptStops } from './session/interruptions.ts';
import { createSessionPytests, type EngineOptions } from './session-pytests.ts';
import { START_MS } from './start-limit.ts';

/** The number of sessions that may die while an attempt waits for its turn. */
const SESSION_LIMIT = 3;

/**
 * `print` prints one line for the user, and `debug` writes one to the debug log. If the suite is collected by file, `selfTest` checks that
 * this pytest can be fed; without a self-test the engine assumes that it can. If it cannot, every xdist worker of this agent collects the
 * whole list, even if other agents collect by file: shards mean the same either way.
 */
export function streamEngine(
  print: (line: string) => void,
  selfTest: SelfTest | null = null,
  replaceMs: number = START_MS,
  debug: (line: string) => void = () => undefined,
): Engine {
  return { open: (request) => open(request, { print, debug, selfTest, replaceMs }) };
}

/** Throws `session-not-started`, `no-workspace` and `no-python`. */
async function open(request: SessionRequest, options: EngineOptions): Promise<Session> {
  const directory = await makeSessionDirectory(request.user);
  const pytests = createSessionPytests(request, options, directory);
  const living = createLivingPytest(pytests.start);
  const cpuSeconds = new Map<FedPytest, number>();
  let peakRssBytes = 0;
  let averageMs = SHORT_MS;

  const run: Session['run'] = async (attempt, emit, interrupt, recall) => {
    if (interrupt.aborted) return { kind: 'interrupted', by: causeOf(interrupt) };
    const log = createAttemptLog(attempt.selectors, emit, Date.now);
    try {
      const startedAt = performance.now();
      const [pytest, ending] = await serve(living, log, attempt, { interrupt, recall });
      averageMs = averageWith(averageMs, performance.now() - startedAt);
      peakRssBytes = Math.max(peakRssBytes, pytest.peakRssBytes());
      cpuSeconds.set(pytest, pytest.cpuSeconds());
      return ending;
    } catch (thrown) {
      if (thrown instanceof ShardlineError) return { kind: 'not-started', error: thrown.code, detail: thrown.message };
      throw thrown;
    }
  };

  const close = async (): Promise<void> => {
    if (living.isClosed()) return;
    try {
      await living.close();
      await pytests.kept();
    } finally {
      await removeSessionDirectory(directory, request.user);
    }
  };

  try {
    const { info } = await living.current();
    return {
      get slots() {
        return slotsFor(info.workers, averageMs);
      },
      info,
      run,
      peakRssBytes: () => peakRssBytes,
      cpuSeconds: () => sum(cpuSeconds.values()),
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/**
 * Runs an attempt and returns the pytest that ran it. The attempt goes to the next session if it was not begun when its session died, or
 * if the culprit is known, for as long as a new session starts.
 */
async function serve(
  living: LivingPytest<FedPytest>,
  log: AttemptLog,
  attempt: AttemptRequest,
  stops: AttemptStops,
): Promise<[FedPytest, AttemptEnding]> {
  for (let deaths = 0; ; ) {
    const pytest = await living.current();
    const ending = await pytest.run(log, attempt, stops);
    if (ending.kind !== 'again') return [pytest, ending];
    deaths = ending.isBlamed ? 0 : deaths + 1;
    if (deaths === SESSION_LIMIT) return [pytest, { kind: 'lost' }];
  }
}
