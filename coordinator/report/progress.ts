// What is told while a run is on: one line that is rewritten on a terminal, plain lines elsewhere. Driven by events, never by a timer.

import type { Output } from '../../shared/cli/edge.ts';
import type { RunEvent } from '../../shared/events.ts';
import type { AgentId } from '../../shared/ids.ts';
import { isFailure } from '../../shared/outcome.ts';
import type { Verbosity } from '../../shared/settings.ts';
import type { CoordinatorEvent } from '../core/events.ts';
import type { Forecast } from '../core/forecast.ts';
import { isFlaky, isRerunLimitExceeded } from '../core/rerun.ts';
import type { RunState } from '../core/run-state.ts';
import { lateLine, timeLeft } from './forecast-line.ts';
import { oneLine, plural } from './harmless.ts';

export interface Progress {
  /** `before` is the state that the event will change. */
  observe(event: CoordinatorEvent, before: RunState): void;
  end(): void;
}

const REDRAW_MS = 100;
const CLEAR_LINE = '\r\u001b[2K';

export function createProgress(out: Output, verbosity: Verbosity): Progress {
  if (verbosity === 'quiet') return { observe: () => undefined, end: () => undefined };
  const isLive = out.isTTY === true;
  let shown = false;
  let drawnAt = 0;
  let tests = 0;
  let failed = 0;
  let tenths = 0;
  let forecast: Forecast | null = null;

  const line = (text: string): void => {
    out.write(`${shown ? CLEAR_LINE : ''}${text}\n`);
    shown = false;
  };
  const status = (at: number, state: RunState): void => {
    if (!isLive || at - drawnAt < REDRAW_MS) return;
    const agents = [...state.agents.values()].filter(({ presence }) => presence === 'alive').length;
    const seconds = Math.round((at - state.opened.startedAt) / 1000);
    out.write(
      `${CLEAR_LINE}${tests}/${state.tests.size} tests, ${failed} failed, ${plural(agents, 'agent')}, ${seconds} s${forecast === null ? '' : `, ${timeLeft(forecast)}`}`,
    );
    shown = true;
    drawnAt = at;
  };
  const alone = (gone: AgentId, { agents, closed, opened, noAgentCanCome }: RunState): void => {
    const others = [...agents.values()].filter(({ id, presence }) => presence === 'alive' && id !== gone);
    if (others.length > 0 || closed !== null || noAgentCanCome !== null || agents.get(gone)?.presence !== 'alive') return;
    line(`no agent is left: the run waits ${opened.waitAgentSeconds} s for another`);
  };
  const tenth = (before: RunState): void => {
    const shards = [...before.shards.values()];
    const done = shards.filter(({ state }) => state.kind === 'done').length;
    const reached = Math.floor((done / shards.length) * 10);
    if (isLive || reached <= tenths) return;
    tenths = reached;
    line(`${done}/${shards.length} shards, ${tests} tests, ${failed} failed`);
  };

  return {
    observe(event, before) {
      switch (event.kind) {
        case 'run-opened':
          line(`run ${event.spec.runId}: ${plural(event.shards.length, 'shard')} of ${plural(filesIn(event.shards), 'file')}`);
          return;
        case 'run-resumed':
          tests = [...before.tests.values()].filter(({ accepted }) => accepted !== null).length;
          failed = [...before.failed].filter((test) => !isFlaky(test)).length;
          line(`run ${before.opened.spec.runId} resumed: ${plural(tests, 'test')} done, ${failed} failed`);
          return;
        case 'redis-emptied':
          line('Redis has lost the run: it is announced again, and what is not finished is enqueued anew');
          return;
        case 'agent-returned':
          line(`agent ${oneLine(event.agent)} is back`);
          return;
        case 'agent-joined':
          line(`agent ${oneLine(event.agent.id)} joined: ${plural(event.agent.workers, 'worker')} on ${oneLine(event.agent.host)}`);
          return;
        case 'agent-dismissed':
          line(
            `agent ${oneLine(event.agent)} is taken out: ${whyDismissed(event, before)} while others' pass; what it was to do is done elsewhere`,
          );
          return;
        case 'agent-lost':
          line(`agent ${oneLine(event.agent)} is gone: what it had not finished runs elsewhere`);
          alone(event.agent, before);
          return;
        case 'agent-left':
          alone(event.agent, before);
          return;
        case 'redis-lost':
        case 'no-agent-can-come':
          line(`${event.kind === 'redis-lost' ? 'Redis is gone' : 'no agent can come'}: ${oneLine(event.message)}`);
          return;
        case 'interrupt-requested':
          line(`${oneLine(event.by)}: stopping, results are kept; once more to stop at once`);
          return;
        case 'attempt-told': {
          const rerun = tellRerun(event, before);
          if (rerun !== null) {
            if (!rerun.isFailure) failed -= 1;
            line(rerun.text);
            return;
          }
          const told = tell(event, before);
          if (told === null) return;
          tests += 1;
          if (told.isFailure) failed += 1;
          if (told.isFailure || verbosity === 'verbose') line(told.text);
          return;
        }
        case 'attempt-ended':
          if (event.ending.kind === 'crashed' || event.ending.kind === 'not-started') {
            line(`shard ${event.shard} on ${oneLine(event.agent)} ${event.ending.kind}: ${oneLine(event.ending.detail).slice(-300)}`);
          }
          tenth(before);
          return;
        case 'attempt-enqueued':
          if (event.role === 'backup') line(`shard ${event.shard} holds up the end: a second copy goes to another agent`);
          return;
        case 'shard-split':
          line(`shard ${event.shard} keeps ending its session: it runs alone now, in ${plural(event.into.length, 'part')}`);
          return;
        case 'forecast': {
          const late = lateLine(event);
          if (late !== null && (forecast === null || lateLine(forecast) === null)) line(late);
          else if (late === null && forecast !== null && lateLine(forecast) !== null)
            line(`in time for the deadline again: ${timeLeft(event)}`);
          forecast = event;
          return;
        }
        case 'run-closed':
          if (before.opened.reruns.times > 0 && isRerunLimitExceeded(before)) {
            line(`${plural(before.failed.size, 'test')} failed, more than --reruns-limit: nothing was run again`);
          }
          return;
        case 'tick':
          status(event.at, before);
          return;
        default:
          return;
      }
    },
    end() {
      if (shown) out.write(CLEAR_LINE);
      shown = false;
    },
  };
}

interface Told {
  readonly text: string;
  readonly isFailure: boolean;
}

/** A result that counts: the first of its test. */
function tell(told: Extract<RunEvent, { kind: 'attempt-told' }>, before: RunState): Told | null {
  if (told.event.kind !== 'test-finished') return null;
  const { result } = told.event;
  if ((before.tests.get(result.nodeid)?.accepted ?? null) !== null) return null;
  return {
    text: `${result.outcome.toUpperCase()} ${oneLine(result.nodeid)} (${oneLine(told.agent)})`,
    isFailure: isFailure(result.outcome),
  };
}

function whyDismissed({ agent, why }: Extract<CoordinatorEvent, { kind: 'agent-dismissed' }>, before: RunState): string {
  const conduct = before.agents.get(agent)?.conduct;
  return why === 'failures' ? `its last ${conduct?.streak.length} tests failed` : `its last ${conduct?.notStarted} sessions did not start`;
}

/** The first result of a rerun, of a test that failed until then. */
function tellRerun({ agent, attempt, event }: Extract<RunEvent, { kind: 'attempt-told' }>, before: RunState): Told | null {
  if (event.kind !== 'test-finished' || before.attempts.get(attempt)?.role !== 'rerun') return null;
  const { nodeid, outcome } = event.result;
  const test = before.tests.get(nodeid);
  if (test === undefined || isFlaky(test) || test.reruns.some((each) => each.attempt === attempt)) return null;
  const count = `rerun ${test.reruns.length + 1} of ${Math.max(1, before.opened.reruns.times)}`;
  return { text: `${outcome.toUpperCase()} ${oneLine(nodeid)} (${oneLine(agent)}, ${count})`, isFailure: isFailure(outcome) };
}

const filesIn = (shards: readonly { readonly selectors: readonly { readonly file: string }[] }[]): number =>
  new Set(shards.flatMap(({ selectors }) => selectors.map(({ file }) => file))).size;
