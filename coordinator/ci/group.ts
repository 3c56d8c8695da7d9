// A group of CI jobs that share one run: which jobs belong together, and what a retry runs.

import { createHash } from 'node:crypto';
import { type AgentId, pytestId, type RunId, runId } from '../../shared/domain/ids.ts';
import { isFailure } from '../../shared/domain/outcome.ts';
import type { Report } from '../../shared/domain/report.ts';
import { type GroupVerdict, MOST_AGAIN } from '../../shared/wire/group.ts';
import type { Joined } from '../ports.ts';

/** What the jobs of one group have in common. Any difference makes two groups. */
export interface GroupIdentity {
  /** The provider's ids of pipeline and job, and what the user adds to them. */
  readonly names: readonly string[];
  /** Python, platform, pytest and its plugins. */
  readonly python: string;
  readonly pytestArgs: readonly string[];
  readonly collect: string;
}

/** The name of the group in keys: 16 hexadecimal digits. */
export const groupOf = (identity: GroupIdentity): string =>
  createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 16);

/** The run of one generation. Every job knows its id without asking. */
export const runOfGroup = (group: string, generation: number): RunId => runId(`ci-${group}-${generation}`);

export const poolOfGroup = (group: string): string => `ci-${group}`;

/**
 * The tests that a retry runs; null to run the whole suite. Only a run that failed because of its tests, on the same files, needs no more
 * than those: what else failed may be anywhere.
 */
export function toRunAgain({ before, isFresh }: Pick<Joined, 'before' | 'isFresh'>, files: string | null): readonly string[] | null {
  if (before === null || isFresh || files === null || before.files !== files) return null;
  return before.again;
}

/** The verdict for the other jobs. `exitCode` is the run's, `line` its verdict in words. */
export function verdictOf(report: Report, exitCode: number, line: string, files: string | null): GroupVerdict {
  return { run: runId(report.runId), exitCode, line, failedOn: failedOn(report), again: again(report, exitCode), files };
}

/** The exit code of one job that fails only for its own tests. Anything but a failed test concerns every job. */
export const ownExitCode = ({ exitCode, failedOn }: GroupVerdict, agent: AgentId): number =>
  exitCode === 1 && failedOn.length > 0 && !failedOn.includes(agent) ? 0 : exitCode;

function failedOn({ tests }: Report): readonly AgentId[] {
  const failed = tests.filter(({ outcome }) => isFailure(outcome)).flatMap(({ attempts }) => attempts.at(-1)?.agent ?? []);
  return [...new Set(failed)];
}

/** null if something else than a test failed, or too many tests did. */
function again(report: Report, exitCode: number): readonly string[] | null {
  const { tests, notRun, collectErrors, sessionErrors, coverage, targets, partProblems } = report;
  const isOtherwise = [collectErrors, sessionErrors, partProblems].some((problems) => problems.length > 0);
  const isMissed = targets?.some(({ met }) => !met) ?? false;
  if (exitCode !== 1 || isOtherwise || isMissed || coverage !== null) return null;
  const failed = tests.filter(({ outcome }) => isFailure(outcome)).map(({ nodeid }) => pytestId(nodeid));
  const names = [...new Set<string>([...failed, ...notRun.map(({ nodeid }) => nodeid)])];
  return failed.length > 0 && names.length <= MOST_AGAIN ? names : null;
}
