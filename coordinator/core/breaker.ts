// The circuit breaker: an agent whose tests fail in a row while others' pass is broken itself, and is taken out. What failed there is run again elsewhere.

import type { AgentId } from '../../shared/ids.ts';
import { isFailure, type Outcome } from '../../shared/outcome.ts';
import type { Action } from './events.ts';
import type { AgentRecord, RunState, TestRecord } from './run-state.ts';

/** So many failures in a row, of so many files, are hardly the tests' doing: what is broken in one file fails wherever it runs. */
const FAILURES_IN_A_ROW = 10;
const FILES_IN_A_ROW = 3;
/** So many attempts in a row for which no session could be started. */
const STARTS_IN_A_ROW = 3;

export const dismissalCauses = ['failures', 'not-started', 'other-list'] as const;
export type DismissalCause = (typeof dismissalCauses)[number];

/** What an agent's results say of it. */
export interface Conduct {
  /** How many of its results were no failures. */
  passes: number;
  /** Its failures since the last of these. */
  streak: TestRecord[];
  /** Attempts in a row for which it could start no session. */
  notStarted: number;
  /** What the last of these said; null without one. */
  problem: string | null;
  /** Why it was taken out, and after how many failures or starts in a row; null and 0 while it serves. */
  dismissedFor: DismissalCause | null;
  dismissedAfter: number;
}

export const newConduct = (): Conduct => ({ passes: 0, streak: [], notStarted: 0, problem: null, dismissedFor: null, dismissedAfter: 0 });

/** A result of this agent that counts. */
export function observeResult(state: RunState, agent: AgentId, test: TestRecord, outcome: Outcome): void {
  const record = state.agents.get(agent);
  if (record === undefined) return;
  const { conduct } = record;
  // Beside an agent that does well again another may be taken out.
  if (!isFailure(outcome) && !isWell(record)) state.revision += 1;
  conduct.notStarted = 0;
  if (isFailure(outcome)) {
    conduct.streak.push(test);
    // What it still ran when it was taken out is as doubtful as what made it so.
    if (conduct.dismissedFor !== null) test.isDoubted = true;
  } else {
    conduct.passes += 1;
    conduct.streak = [];
  }
}

/** Agents to be taken out now. One is left that does better: the last result of another living agent was no failure. */
export function decideDismissals(state: RunState): readonly Action[] {
  const serving = [...state.agents.values()].filter(({ presence, conduct }) => presence === 'alive' && conduct.dismissedFor === null);
  return serving.flatMap((agent): Action[] => {
    const why = causeFor(agent);
    const isOtherBetter = serving.some((other) => other !== agent && isWell(other));
    return why === null || !isOtherBetter ? [] : [{ kind: 'dismiss-agent', agent: agent.id, why }];
  });
}

function causeFor({ conduct: { streak, notStarted } }: AgentRecord): DismissalCause | null {
  if (notStarted >= STARTS_IN_A_ROW) return 'not-started';
  const isStreak = streak.length >= FAILURES_IN_A_ROW && new Set(streak.map(({ file }) => file)).size >= FILES_IN_A_ROW;
  return isStreak ? 'failures' : null;
}

const isWell = ({ conduct: { passes, streak, notStarted } }: AgentRecord): boolean => passes > 0 && streak.length === 0 && notStarted === 0;

/** The agent is out. What failed in its last streak may be its doing, and is owed another run. */
export function applyDismissal(state: RunState, id: AgentId, why: DismissalCause): void {
  const conduct = state.agents.get(id)?.conduct;
  if (conduct === undefined || conduct.dismissedFor !== null) return;
  conduct.dismissedFor = why;
  conduct.dismissedAfter = why === 'failures' ? conduct.streak.length : conduct.notStarted;
  for (const test of conduct.streak) test.isDoubted = true;
}
