// Logs a run for its operator: what the coordinator decides and notices, and what agents report. The terminal and the report are for people
// who wait for the result; events.ndjson has everything.

import type { RunId } from '../../shared/domain/ids.ts';
import { type EventLog, logRunEvent } from '../../shared/system/event-log.ts';
import type { CoordinatorEvent } from '../core/state/events.ts';
import { NOTHING_WRITTEN, type Reporter } from './reporter.ts';

export const operatorLog = (log: EventLog): Reporter => ({
  observe(event, { opened }, changes) {
    const { runId: run } = opened.spec;
    logEvent(log, run, event);
    for (const change of changes)
      if (change.kind === 'messages-missing') log.warn({ run, agent: change.agent, messages: change.messages }, 'messages missing');
  },
  async finish(report) {
    const { runId: run, verdict, exitCode, totals } = report;
    log.info({ run, verdict, exitCode, tests: totals.expected, failed: totals.failed + totals.error, notRun: totals.notRun }, 'run ended');
    return NOTHING_WRITTEN;
  },
});

/** A large run has thousands of attempts, so the level of their lines is `debug`, unless one is lost. */
function logEvent(log: EventLog, run: RunId, event: CoordinatorEvent): void {
  switch (event.kind) {
    case 'run-opened':
      log.info({ run, pool: event.spec.pool, shards: event.shards.length, deadlineSeconds: event.deadline?.seconds ?? null }, 'run opened');
      break;
    case 'run-resumed':
      log.info({ run }, 'run resumed');
      break;
    case 'run-restarted':
      log.warn({ run, voidTests: event.opening.restarted?.voidTests ?? 0 }, 'run restarted with the whole list');
      break;
    case 'suite-planned':
      log.info({ run, shards: event.shards.length }, 'suite planned');
      break;
    case 'interrupt-requested':
      log.info({ run, by: event.by }, 'run interrupted');
      break;
    case 'run-closed':
      log.info({ run, why: event.why.kind === 'done' ? 'done' : event.why.notRun }, 'run closed');
      break;
    case 'agent-dismissed':
      log.warn({ run, agent: event.agent, why: event.why }, 'agent dismissed');
      break;
    case 'agent-asked':
      log.info({ run, agent: event.agent }, 'unknown agent asked');
      break;
    case 'agent-lost':
      log.warn({ run, agent: event.agent }, 'agent lost');
      break;
    case 'agent-returned':
      log.info({ run, agent: event.agent }, 'agent returned');
      break;
    case 'no-agent-can-come':
      log.error({ run, problem: event.message }, 'no agent left');
      break;
    case 'pool-seen':
      log.warn({ run, absences: event.absences }, 'no agent serves the run');
      break;
    case 'message-rejected':
      log.warn({ run, agent: event.agent, why: event.why, problem: event.problem }, 'message rejected');
      break;
    case 'redis-lost':
      log.error({ run, problem: event.message }, 'Redis lost');
      break;
    case 'redis-emptied':
      log.warn({ run, isMissing: event.isMissing }, 'Redis lost data');
      break;
    case 'shard-split':
      log.warn(
        { run, shard: event.shard, into: event.into.map(({ id }) => id) },
        event.byNeeds === true ? 'shard split by needs' : 'shard split after crashes',
      );
      break;
    case 'shard-waits':
      log.info({ run, shard: event.shard, lacks: event.lacks }, 'shard waits');
      break;
    case 'shard-given-up':
      log.warn({ run, shard: event.shard, why: event.why }, 'shard given up');
      break;
    case 'attempt-enqueued':
      log.debug({ run, shard: event.shard, attempt: event.attempt, role: event.role }, 'attempt enqueued');
      break;
    case 'attempt-taken':
      log.debug({ run, attempt: event.attempt, agent: event.agent }, 'attempt taken');
      break;
    case 'attempt-lost':
      log.warn({ run, attempt: event.attempt, agent: event.agent }, 'attempt lost');
      break;
    case 'attempt-cancelled':
      log.debug({ run, attempt: event.attempt, by: event.by }, 'attempt cancelled');
      break;
    case 'forecast':
    case 'units-claimed':
    case 'units-leased':
    case 'stream-read':
    case 'tick':
    case 'coverage-combined':
      break;
    default:
      logRunEvent(log, run, event);
  }
}
