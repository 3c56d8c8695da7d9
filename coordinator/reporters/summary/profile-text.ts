// Formats where a run's time went in a few lines, for the end of a run and for summary.md.

import { type Phase, phases, type Report } from '../../../shared/domain/report.ts';
import { oneLine, plural } from '../../../shared/text/safe-text.ts';
import { adviceOf } from '../../core/result/profile.ts';

export const phaseWords: Readonly<Record<Phase, string>> = {
  preparation: 'set-up and discovery',
  'start-up': 'starting pytest',
  collection: 'collection',
  execution: 'tests',
  between: 'between tests',
  lost: 'lost work',
  imbalance: 'waiting for the last test',
  ending: 'closing',
};

/** Phases with a smaller share are not shown. */
const LEAST_SHARE = 0.005;

/** Shorter runs get no rating and no comparison with their bound, because startup dominates their time. */
const LEAST_RATED_SECONDS = 10;

/** True if the run's time is a fair measure of its efficiency. A run that ran only part of the work is not. */
export const isWorthRating = ({ profile, totals }: Pick<Report, 'profile' | 'totals'>): boolean =>
  totals.notRun === 0 && profile.makespanSeconds >= LEAST_RATED_SECONDS;

/** `, excellent`, after a number. Empty for a run that did not pass: no praise stands beside a failure. */
const ratingWord = (report: Pick<Report, 'profile' | 'totals' | 'verdict'>): string =>
  report.verdict === 'passed' && isWorthRating(report) ? `, ${report.profile.rating}` : '';

export const adviceLine = (report: Report): string[] => {
  const advice = adviceOf(report);
  return advice === null ? [] : [`advice   ${advice}`];
};

const leastWords = (boundSeconds: number, workers: number): string =>
  `${plural(workers, 'worker')} ${workers === 1 ? 'needs' : 'need'} at least ${inSeconds(boundSeconds)}`;

/** `time     15.1 s for the tests; 4 workers need at least 13.9 s (92 %, excellent)`; empty if the comparison is meaningless. */
export function againstBound(report: Report): string[] {
  const { profile, agents } = report;
  if (profile.breakdown === null || !isWorthRating(report)) return [];
  const workers = agents.reduce((sum, agent) => sum + agent.workers, 0);
  const least = leastWords(profile.boundSeconds, workers);
  return [`time     ${inSeconds(profile.makespanSeconds)} for the tests; ${least} (${inPercent(profile.efficiency)}${ratingWord(report)})`];
}

/** Empty if no test ran. */
export function profileLines(report: Report): string[] {
  const { profile, agents } = report;
  const agentLines = agents
    .filter(({ ended }) => ended !== 'not-started')
    .map((agent) => `agent    ${agentWords(agent, profile.makespanSeconds)}`);
  if (profile.secondsPerTest === null || profile.breakdown === null) return agentLines;
  return [`time     ${timeWords(report)}`, `speed    ${speedWords(report)}`, `bound    ${boundWords(report)}`, ...agentLines];
}

/** `12.3 s: tests 9.1 s (74 %), collection 1.0 s (8 %), …`: the mean of all xdist workers, and the time after the run closed. */
export function timeWords({ profile, startedAt, finishedAt }: Report): string {
  const { breakdown } = profile;
  if (breakdown === null) return '';
  const totalSeconds = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
  // If every xdist worker collects the whole suite, no shard is enqueued before collection ends.
  const isSuite = breakdown.collection.seconds === 0 && breakdown.execution.seconds > 0;
  const words = isSuite ? { ...phaseWords, preparation: 'set-up, discovery and collection' } : phaseWords;
  const known = phases.map((phase) => ({ word: words[phase], seconds: breakdown[phase].seconds }));
  const after = { word: 'merging and reports', seconds: totalSeconds - known.reduce((sum, { seconds }) => sum + seconds, 0) };
  const parts = [...known, after]
    .map(({ word, seconds }) => ({ word, seconds, share: totalSeconds > 0 ? seconds / totalSeconds : 0 }))
    .filter(({ share }) => share >= LEAST_SHARE)
    .map(({ word, seconds, share }) => `${word} ${inSeconds(seconds)} (${inPercent(share)})`);
  return `${inSeconds(totalSeconds)}: ${parts.join(', ')}`;
}

export function speedWords({ profile }: Report): string {
  const first = profile.timeToFirstTestSeconds === null ? '' : `; first test after ${inSeconds(profile.timeToFirstTestSeconds)}`;
  const each =
    profile.secondsPerTest === null
      ? ''
      : `; ${(profile.secondsPerTest * 1000).toFixed(profile.secondsPerTest < 0.01 ? 1 : 0)} ms per test`;
  return `${profile.speedup.toFixed(1)} times as fast as one worker (${inSeconds(profile.sequentialSeconds)} of collection and tests)${first}${each}`;
}

export function boundWords(report: Report): string {
  const { profile, agents, totals } = report;
  const workers = agents.reduce((sum, agent) => sum + agent.workers, 0);
  const least = leastWords(profile.boundSeconds, workers);
  const took = `it took ${inSeconds(profile.makespanSeconds)}`;
  const rating = totals.notRun > 0 ? ' for what ran' : ratingWord(report);
  return `${least}; ${took} (efficiency ${inPercent(profile.efficiency)}${rating})`;
}

function agentWords({ id, host, tests, workers, cpuSeconds, peakRssBytes }: Report['agents'][number], makespanSeconds: number): string {
  const cpu =
    cpuSeconds === null || workers === 0 || makespanSeconds === 0 ? '' : `, CPU ${inPercent(cpuSeconds / (workers * makespanSeconds))}`;
  const memory = peakRssBytes === 0 ? '' : `, memory at most ${inBytes(peakRssBytes)}`;
  return `${oneLine(id)} on ${oneLine(host)}: ${plural(tests, 'test')} with ${plural(workers, 'worker')}${cpu}${memory}`;
}

export const inSeconds = (seconds: number): string => `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
export const inPercent = (share: number): string => `${Math.round(share * 100)} %`;
export const inBytes = (bytes: number): string => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`);
/** Rounds down to whole seconds: `41 s`, `2 min`, `2 min 5 s`, `1 h 2 min`. */
export function inMinutes(seconds: number): string {
  const whole = Math.floor(seconds);
  const parts =
    whole < 3600
      ? [`${Math.floor(whole / 60)} min`, `${whole % 60} s`]
      : [`${Math.floor(whole / 3600)} h`, `${Math.floor((whole % 3600) / 60)} min`];
  return parts.filter((part) => !part.startsWith('0 ')).join(' ') || '0 s';
}
