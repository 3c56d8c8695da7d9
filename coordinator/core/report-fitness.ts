// What a report says of the workspaces of a run's agents, and of agents that could not serve it.

import type { Fingerprint } from '../../shared/fingerprint.ts';
import type { AgentProblem, ReportedFingerprint } from '../../shared/report.ts';
import { isRefused } from './breaker.ts';
import { differsIn, whyDismissed } from './dismissal.ts';
import type { AgentRecord, RunState } from './run-state.ts';

/** null where nothing is known. */
export function reportFingerprint(fingerprint: Fingerprint | null): ReportedFingerprint | null {
  if (fingerprint === null || (fingerprint.files === null && fingerprint.python === null)) return null;
  if (fingerprint.python === null) return { files: fingerprint.files, python: null };
  const { packages: _, ...python } = fingerprint.python;
  return { files: fingerprint.files, python };
}

/** In the order of their weight. */
export function problemsOf(state: RunState, agent: AgentRecord): readonly AgentProblem[] {
  const { unfit, conduct, differences } = agent;
  if (unfit !== null) return [{ kind: unfit.why === 'fingerprint' ? 'refused' : 'not-started', message: unfit.problem }];
  const isOut = isRefused(state, agent);
  const why = conduct.dismissedFor;
  return [
    ...(isOut ? [{ kind: 'refused' as const, message: differsIn(differences.refused) }] : []),
    ...(why !== null && why !== 'fingerprint' ? [{ kind: 'quarantined' as const, message: whyDismissed(state, agent.id, why) }] : []),
    ...[...(isOut ? [] : differences.refused), ...differences.warned].map((message) => ({ kind: 'differs' as const, message })),
  ];
}
