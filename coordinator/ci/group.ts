// A group of CI jobs that share one run: which jobs belong together, and what a retry runs.

import { createHash } from 'node:crypto';
import { type AgentId, agentId, pytestId, type RunId, runId } from '../../shared/domain/ids.ts';
import { isFailure } from '../../shared/domain/outcome.ts';
import type { Report } from '../../shared/domain/report.ts';
import { type GroupVerdict, MOST_AGAIN, MOST_AGENTS, type RunAgain } from '../../shared/wire/group.ts';
import { coverageFindings } from '../core/result/coverage.ts';
import type { Joined } from '../ports.ts';

/** What the jobs of one group have in common. Any difference makes two groups. */
export interface GroupIdentity {
  /** The provider's ids of pipeline and job, and what the user adds to them. */
  readonly names: readonly string[];
  /** Python, platform, pytest and its plugins. */
  readonly python: string;
  /** Paths, selected tests and options of pytest. */
  readonly pytestArgs: readonly string[];
  /** Other settings that change which tests run. */
  readonly settings: readonly string[];
  /** Whether only the user named the run. Such a name may stay the same for the next commit. */
  readonly isNamedByUser: boolean;
}

/** The name of the group in keys: 16 hexadecimal digits. `files` is the digest of the workspace; null if unknown. */
export function groupOf(files: string | null, { isNamedByUser, ...identity }: GroupIdentity): string {
  const named = { ...identity, files: isNamedByUser ? files : null };
  return createHash('sha256').update(JSON.stringify(named)).digest('hex').slice(0, 16);
}

/** How late a job of the same build may come. */
const LATE_MS = 60 * 60 * 1000;

/**
 * Age in milliseconds from which a job takes no stored verdict. null for any age: the ids of a provider belong to one pipeline. A name that
 * the user gives may be used again by the next build: then the verdict counts for an hour, and only if git knows the files. Outside git their
 * digest has no data files, and may be unknown.
 */
export function tooOldMs({ isNamedByUser }: GroupIdentity, isInGit: boolean, isFresh: boolean): number | null {
  if (!isNamedByUser) return null;
  return isInGit && !isFresh ? LATE_MS : 0;
}

/** The run of one generation. Every job knows its id without asking. */
export const runOfGroup = (group: string, generation: number): RunId => runId(`ci-${group}-${generation}`);

/** A pool for each generation: an agent must not join a run that an earlier one has left. */
export const poolOfGroup = (group: string, generation: number): string => `ci-${group}-${generation}`;

/**
 * What a retry runs; null for the whole suite. Only a run that failed because of its tests, on the same files, needs no more than those: what
 * else failed may be anywhere.
 */
export function toRunAgain({ before, isFresh }: Pick<Joined, 'before' | 'isFresh'>, files: string | null): RunAgain | null {
  if (before === null || isFresh || files === null || before.files !== files) return null;
  return before.again;
}

/** The verdict for the other jobs. `exitCode` is the run's, `line` its verdict in words. */
export function verdictOf(
  report: Report,
  { exitCode, line, files, endedAt, reportDigest }: Pick<GroupVerdict, 'exitCode' | 'line' | 'files' | 'endedAt' | 'reportDigest'>,
): GroupVerdict {
  const isByTests = exitCode === 1 && !hasOtherProblems(report);
  return {
    run: runId(report.runId),
    exitCode,
    line,
    failedOn: isByTests && report.notRun.length === 0 ? failedOn(report) : null,
    // Coverage of some tests would not be that of the suite.
    again: isByTests && report.coverage === null ? again(report) : null,
    files,
    endedAt,
    reportDigest,
  };
}

/** The agent of a job. Its first part names the job, also after its machine was replaced; null if the job has no number. */
export const agentOfJob = (place: number | null, suffix: string): AgentId => agentId(`${place === null ? 'job' : `job${place}`}-${suffix}`);
const placeIn = (agent: AgentId): string | null => /^job(\d+)-/.exec(agent)?.[1] ?? null;

/** The exit code of one job that fails only for its own tests. Anything but a failed test concerns every job. */
export function ownExitCode({ exitCode, failedOn }: GroupVerdict, agent: AgentId): number {
  if (failedOn === null || failedOn.length === 0) return exitCode;
  const place = placeIn(agent);
  return failedOn.some((each) => each === agent || (place !== null && placeIn(each) === place)) ? exitCode : 0;
}

/** null if no job would fail for a test: that of a job without a number whose machine is gone, or of too many jobs. */
function failedOn({ tests, agents }: Report): readonly AgentId[] | null {
  const failed = new Set(tests.filter(({ outcome }) => isFailure(outcome)).flatMap(({ attempts }) => attempts.at(-1)?.agent ?? []));
  const isGone = agents.some(({ id, ended }) => failed.has(id) && placeIn(id) === null && ended !== 'left');
  return isGone || failed.size > MOST_AGENTS ? null : [...failed];
}

/** Whether something else than a test made the run red, or may have. */
function hasOtherProblems({ collectErrors, sessionErrors, partProblems, missingMessages, coverage, targets }: Report): boolean {
  const isMissed = targets?.some(({ met }) => !met) ?? false;
  return (
    isMissed ||
    coverageFindings([coverage]).isMissed ||
    [collectErrors, sessionErrors, partProblems, missingMessages].some((each) => each.length > 0)
  );
}

/** null if no test failed, or too many did. */
function again({ tests, notRun }: Report): RunAgain | null {
  const failed = new Set<string>(tests.filter(({ outcome }) => isFailure(outcome)).map(({ nodeid }) => pytestId(nodeid)));
  const rest = new Set<string>(notRun.map(({ nodeid }) => nodeid));
  if (failed.size === 0 || failed.size + rest.size > MOST_AGAIN) return null;
  return { failed: [...failed], notRun: [...rest] };
}
