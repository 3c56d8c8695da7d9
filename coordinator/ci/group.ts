// A group of CI jobs that share one run: which jobs belong together, and what a retry runs.

import { createHash } from 'node:crypto';
import { type GroupVerdict, MOST_AGAIN } from '../../shared/domain/group.ts';
import { type AgentId, pytestId, type RunId, runId } from '../../shared/domain/ids.ts';
import { isFailure } from '../../shared/domain/outcome.ts';
import type { Report } from '../../shared/domain/report.ts';

/** One job, as its provider describes it. */
export interface GroupJob {
  /** Its number among the parallel jobs; null if unknown. */
  readonly place: number | null;
  /** Differs after a retry of the job; null if unknown. */
  readonly token: string | null;
  /** How often the provider has started the job, from 1; null if unknown. */
  readonly attempt: number | null;
  /** Whether it asks to run the whole suite if it is a retry. */
  readonly isFresh: boolean;
}

/** The run that a job belongs to. The first one of a group has the generation 1, and each retry the next. */
export interface Joined {
  readonly generation: number;
  /** null if the run has not ended. */
  readonly verdict: GroupVerdict | null;
  /** The verdict of the generation before; null without one. */
  readonly before: GroupVerdict | null;
  /** Whether a retry that asked to run the whole suite began this generation. */
  readonly isFresh: boolean;
}

/** The right to coordinate the run of a group. */
export interface Leadership {
  /** Keeps it for some seconds. Throws `taken-over`. */
  renew(): Promise<void>;
  /** Stores the verdict with which every job ends. Throws `taken-over`. */
  conclude(generation: number, verdict: GroupVerdict): Promise<void>;
}

/** The port to the other jobs of a group. */
export interface CiGroup {
  join(job: GroupJob): Promise<Joined>;
  /** null if this generation has no verdict yet. */
  verdict(generation: number): Promise<GroupVerdict | null>;
  /** Resolves once no other job leads the group. Throws the reason of the signal. */
  lead(signal: AbortSignal): Promise<Leadership>;
}

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
