// Applies what agents report about the suite as a whole.

import { isReadable, mayServe } from '../agents/roster.ts';
import type { EventOf } from '../events.ts';
import type { RunState } from '../run-state.ts';
import { applyList } from './suite-plan.ts';

export function suiteListed(state: RunState, event: EventOf<'suite-listed'>): void {
  if (isReadable(state, event.agent) && mayServe(state, event)) applyList(state, event.agent, event.list);
}

export function suiteInseparable(state: RunState, event: EventOf<'suite-inseparable'>): void {
  if (isReadable(state, event.agent) && mayServe(state, event))
    state.suite.inseparable ??= { why: event.why, file: event.file, companions: event.companions };
}

export function suiteRefused(state: RunState, event: EventOf<'suite-refused'>): void {
  if (mayServe(state, event)) state.suite.refusal ??= event.message;
}
