// Where a run's time went, in a few calm lines: for the end of a run and for summary.md.

import { type Phase, phases, type Report } from '../../../shared/domain/report.ts';
import { oneLine, plural } from '../../../shared/text/safe-text.ts';

export const phaseWords: Readonly<Record<Phase, string>> = {
  preparation: 'set-up and discovery',
  'start-up': 'starting pytest',
  collection: 'collection',
  execution: 'tests',
  between: 'between tests',
  lost: 'lost work',
  imbalance: 'waiting for the last',
  ending: 'closing',
};

/** Phases with a smaller share are not worth a word. */
const LEAST_SHARE = 0.005;

/** Nothing for a run in which nothing ran. */
export function profileLines(report: Report): string[] {
  const { profile, agents } = report;
  const agentLines = agents
    .filter(({ ended }) => ended !== 'not-started')
    .map((agent) => `agent    ${agentWords(agent, profile.makespanSeconds)}`);
  if (profile.secondsPerTest === null || profile.breakdown === null) return agentLines;
  return [`time     ${timeWords(report)}`, `speed    ${speedWords(report)}`, `bound    ${boundWords(report)}`, ...agentLines];
}

/** `12.3 s: tests 9.1 s (74 %), collection 1.0 s (8 %), …`: every worker's mean, and what came after the run's close. */
export function timeWords({ profile: { breakdown }, startedAt, finishedAt }: Report): string {
  if (breakdown === null) return '';
  const totalSeconds = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
  const known = phases.map((phase) => ({ word: phaseWords[phase], seconds: breakdown[phase].seconds }));
  const after = { word: 'last accounts and merging', seconds: totalSeconds - known.reduce((sum, { seconds }) => sum + seconds, 0) };
  const told = [...known, after]
    .map(({ word, seconds }) => ({ word, seconds, share: totalSeconds > 0 ? seconds / totalSeconds : 0 }))
    .filter(({ share }) => share >= LEAST_SHARE)
    .map(({ word, seconds, share }) => `${word} ${inSeconds(seconds)} (${inPercent(share)})`);
  return `${inSeconds(totalSeconds)}: ${told.join(', ')}`;
}

export function speedWords({ profile }: Report): string {
  const first = profile.timeToFirstTestSeconds === null ? '' : `; first test after ${inSeconds(profile.timeToFirstTestSeconds)}`;
  const each =
    profile.secondsPerTest === null ? '' : `; ${(profile.secondsPerTest * 1000).toFixed(profile.secondsPerTest < 0.01 ? 1 : 0)} ms a test`;
  return `${profile.speedup.toFixed(1)} times as fast as one worker (${inSeconds(profile.sequentialSeconds)} of collection and tests)${first}${each}`;
}

export function boundWords({ profile, agents, totals }: Report): string {
  const workers = agents.reduce((sum, agent) => sum + agent.workers, 0);
  const least = `at least ${inSeconds(profile.boundSeconds)} for this work on ${plural(workers, 'worker')}`;
  const took = `it took ${inSeconds(profile.makespanSeconds)}`;
  // How well a part of the work was done says nothing of the whole.
  const rating = totals.notRun > 0 ? ' for what ran' : `, ${profile.rating}`;
  return `${least}, ${took}: efficiency ${inPercent(profile.efficiency)}${rating}`;
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
/** Whole seconds: `41 s`, `2 min`, `2 min 5 s`, `1 h 2 min`. */
export function inMinutes(seconds: number): string {
  const whole = Math.floor(seconds);
  const parts =
    whole < 3600
      ? [`${Math.floor(whole / 60)} min`, `${whole % 60} s`]
      : [`${Math.floor(whole / 3600)} h`, `${Math.floor((whole % 3600) / 60)} min`];
  return parts.filter((part) => !part.startsWith('0 ')).join(' ') || '0 s';
}
