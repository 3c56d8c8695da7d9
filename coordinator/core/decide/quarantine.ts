// The circuit breaker: an agent whose tests fail in a row while others' pass is broken itself, and is taken out. What failed there is run again elsewhere.

import type { AgentId, TestFile } from '../../../shared/domain/ids.ts';
import { isFailure, type Outcome } from '../../../shared/domain/outcome.ts';
import type { Action } from '../state/events.ts';
import type { AgentRecord, RunState, TestRecord } from '../state/run-state.ts';

/** So many failures in a row, of so many files, are hardly the tests' doing: what is broken in one file fails wherever it runs. */
const FAILURES_IN_A_ROW = 10;
const FILES_IN_A_ROW = 3;
/** So many attempts in a row for which no session could be started. */
const STARTS_IN_A_ROW = 3;

/**
 * `fingerprint`: its workspace is not the run's. `collection`: it cannot collect what another agent can. `other-list`: it collects other tests, with
 * `--collect suite`.
 */
export const dismissalCauses = ['failures', 'not-started', 'fingerprint', 'collection', 'other-list'] as const;
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
  /** The first file or directory that it could not collect and another agent could. */
  contradicted: { readonly file: TestFile; readonly by: AgentId } | null;
  /** How many of its collection errors another agent confirmed. */
  confirmedErrors: number;
  /** Why it was taken out, and after how many failures or starts in a row; null and 0 while it serves. */
  dismissedFor: DismissalCause | null;
  dismissedAfter: number;
}

export const newConduct = (): Conduct => ({
  passes: 0,
  streak: [],
  notStarted: 0,
  problem: null,
  contradicted: null,
  confirmedErrors: 0,
  dismissedFor: null,
  dismissedAfter: 0,
});

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

/** May its results count: is its workspace the run's, or does nobody ask? */
export const isRefused = ({ opened }: RunState, { differences }: AgentRecord): boolean =>
  opened.spec.fingerprintPolicy === 'strict' && differences.refused.length > 0;

export function isOfRefused(state: RunState, id: AgentId): boolean {
  const agent = state.agents.get(id);
  return agent !== undefined && isRefused(state, agent);
}

/** Is it there, and neither taken out nor refused? */
export const isServing = (state: RunState, agent: AgentRecord): boolean =>
  agent.presence === 'alive' && agent.conduct.dismissedFor === null && !isRefused(state, agent);

/**
 * Agents to be taken out now: those that are refused, whatever others do; and those that are broken, as long as one is left that does better: the last
 * result of another living agent was no failure, or it collected what this one could not.
 */
export function decideDismissals(state: RunState): readonly Action[] {
  const refused = [...state.agents.values()].filter(
    (agent) => agent.presence === 'alive' && agent.conduct.dismissedFor === null && isRefused(state, agent),
  );
  const serving = [...state.agents.values()].filter((agent) => isServing(state, agent));
  const broken = serving.flatMap((agent): Action[] => {
    const others = serving.filter((other) => other !== agent);
    const why = agent.conduct.contradicted !== null && others.length > 0 ? 'collection' : others.some(isWell) ? causeFor(agent) : null;
    return why === null ? [] : [{ kind: 'dismiss-agent', agent: agent.id, why }];
  });
  return [...refused.map(({ id }): Action => ({ kind: 'dismiss-agent', agent: id, why: 'fingerprint' })), ...broken];
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
  // What else failed there may come of the same as what it collects otherwise.
  if (why === 'collection' || why === 'other-list') for (const test of state.failed) if (test.accepted?.agent === id) test.isDoubted = true;
}
