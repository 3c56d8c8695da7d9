// Applies what an agent reports of its pytest sessions besides tests: output, coverage, and how a session ended.

import { isOfRefused } from '../conduct.ts';
import type { EventOf } from '../events.ts';
import type { RunState } from '../run-state.ts';
import { addShown } from '../shown.ts';
import { fitText } from '../text-budget.ts';
import { hasRoom, isReadable, mayServe } from './roster.ts';

/** Maximum number of errors of sessions that a report names. A session has few; 10,000 agents may each have one. */
const SESSION_ERRORS = 20_000;

export function sessionShown(state: RunState, { agent, shown }: EventOf<'session-shown'>): void {
  if (hasRoom(state, agent) && !isOfRefused(state, agent)) addShown(state.shown, agent, shown, (text) => fitText(state.texts, text));
}

export function coverageKept(state: RunState, { at, coverage }: EventOf<'coverage-kept'>): void {
  if (isReadable(state, coverage.agent) && mayServe(state, { agent: coverage.agent, at })) state.coverage.kept.push(coverage);
}

/** Ignores a repeated problem, since a stream may be read twice. */
export function sessionEnded(state: RunState, event: EventOf<'session-ended'>): void {
  const { agent, problem, acceptsNoTests } = event;
  if (!isReadable(state, agent) || !mayServe(state, event)) return;
  if (acceptsNoTests) state.acceptsNoTests = true;
  if (problem === null || state.sessionErrors.some((known) => known.agent === agent && known.message === problem)) return;
  const errors = state.sessionErrors.length;
  if (errors < SESSION_ERRORS) state.sessionErrors.push({ agent, message: fitText(state.texts, problem) });
  state.failures += 1;
}
