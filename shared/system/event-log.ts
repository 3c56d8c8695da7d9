// Logs what agents report, on both sides: one line for each change of state that an operator asks about, with its ids as fields. Texts of
// tests and of pytest stay out of the log.

import { assertNever } from '../assert-never.ts';
import type { AttemptEnding } from '../domain/attempt.ts';
import type { RunEvent } from '../domain/events.ts';
import type { RunId } from '../domain/ids.ts';
import { ShardlineError } from '../errors.ts';
import type { Logger } from './logger.ts';

export type EventLog = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

export function logRunEvent(log: EventLog, run: RunId, event: RunEvent): void {
  switch (event.kind) {
    case 'agent-joined': {
      const { id: agent, host, workers, python, pytest, xdist } = event.agent;
      log.info({ run, agent, host, workers, python, pytest, xdist }, 'agent joined');
      break;
    }
    case 'agent-left': {
      const { agent, busySeconds, idleSeconds, peakRssBytes } = event;
      log.info({ run, agent, busySeconds, idleSeconds, peakRssBytes }, 'agent left');
      break;
    }
    case 'agent-draining':
      log.info({ run, agent: event.agent }, 'agent draining');
      break;
    case 'agent-unfit':
      log.warn({ run, agent: event.agent, host: event.host, why: event.why }, 'agent cannot serve the run');
      break;
    case 'attempt-started': {
      const { agent, attempt, shard, role } = event;
      log.debug({ run, agent, shard, attempt, role }, 'attempt started');
      break;
    }
    case 'attempt-ended': {
      const { agent, attempt, shard, seconds, ending } = event;
      const fields = { run, agent, shard, attempt, seconds, ...causeOf(ending) };
      if (ending.kind === 'crashed' || ending.kind === 'not-started') log.warn(fields, 'attempt failed');
      else log.debug(fields, 'attempt ended');
      break;
    }
    case 'session-ended':
      if (event.problem !== null) log.warn({ run, agent: event.agent }, 'pytest failed after its last test');
      break;
    case 'suite-refused':
      log.warn({ run, agent: event.agent }, "pytest refused the run's paths or options");
      break;
    case 'suite-inseparable':
      log.warn({ run, agent: event.agent, why: event.why }, 'suite cannot be collected by file');
      break;
    case 'suite-listed':
    case 'session-shown':
    case 'coverage-kept':
    case 'attempt-reported':
      break;
    default:
      assertNever(event);
  }
}

/** Why a command fails. An expected failure says it in its message; of any other the stack is needed. */
export const failureFields = (thrown: unknown): Readonly<Record<string, unknown>> =>
  thrown instanceof ShardlineError ? { code: thrown.code, problem: thrown.message } : { err: thrown };

function causeOf(ending: AttemptEnding): Readonly<Record<string, unknown>> {
  switch (ending.kind) {
    case 'finished':
    case 'lost':
      return { ending: ending.kind };
    case 'interrupted':
      return { ending: ending.kind, by: ending.by };
    case 'crashed':
      return { ending: ending.kind, exitCode: ending.exitCode, signal: ending.signal, running: ending.running };
    case 'not-started':
      return { ending: ending.kind, error: ending.error };
    default:
      return assertNever(ending);
  }
}
