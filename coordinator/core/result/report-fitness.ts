// Reports the workspaces of a run and its agents.

import type { ReportedFingerprint } from '../../../shared/domain/report.ts';
import type { Fingerprint } from '../../../shared/domain/suite/fingerprint.ts';
import { isRefused } from '../state/conduct.ts';
import type { AgentRecord } from '../state/records.ts';
import type { RunState } from '../state/run-state.ts';

/** null if nothing is known. */
export function reportFingerprint(fingerprint: Fingerprint | null): ReportedFingerprint | null {
  if (fingerprint === null || (fingerprint.files === null && fingerprint.python === null)) return null;
  if (fingerprint.python === null) return { files: fingerprint.files, python: null };
  const { packages: _, ...python } = fingerprint.python;
  return { files: fingerprint.files, python };
}

/** Differences of the agent's workspace that are no reason to refuse it, in words. */
export function differencesOf(state: RunState, agent: AgentRecord): readonly string[] {
  const { refused, warned } = agent.differences;
  return isRefused(state, agent) ? warned : [...refused, ...warned];
}
