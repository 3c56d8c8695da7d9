// Formats a run's status in a few words, for the screen and for plain lines alike.

import { countOf, plural, shortName } from '../../../shared/text/safe-text.ts';
import { inMinutes } from '../summary/profile-text.ts';
import type { RunStatus } from './run-status.ts';

/** A test that has run for less is not why the run takes longer. */
const LEAST_NAMED_SECONDS = 2;

/** `812/1204 tests`; only `812 tests` until every file is collected, because the number of all tests is not known before. */
export function testsWords({ tally, tests, howFar }: RunStatus): string {
  if (tests === 0 && !howFar.isAllCollected) return 'no tests yet';
  return howFar.isAllCollected ? `${tally.done}/${tests} tests` : plural(tally.done, 'test');
}

export const filesWords = ({ howFar: { filesDone, files } }: RunStatus): string => `${filesDone}/${files} files`;

/** `41 s of 2 min, done in about 20 s`, with a warning if the run is late. */
export function timeWords({ elapsedSeconds, deadlineSeconds, secondsLeft, lateSeconds, phase, agents }: RunStatus): string {
  const spent = `${inMinutes(elapsedSeconds)}${deadlineSeconds === null ? '' : ` of ${inMinutes(deadlineSeconds)}`}`;
  if (phase === 'ending') return `${spent}, waiting for the last teardowns`;
  if (phase === 'stopping') return `${spent}, stopping`;
  if (agents.length === 0) return `${spent}, waiting for an agent`;
  if (phase === 'collecting') return `${spent}, collecting the whole suite`;
  return `${spent}${endWords(secondsLeft, agents)}${lateSeconds > 0 ? `, misses the deadline by ${inMinutes(Math.ceil(lateSeconds))}` : ''}`;
}

/** Once the estimate is past, names the test that holds up the end. */
function endWords(secondsLeft: number | null, agents: RunStatus['agents']): string {
  if (secondsLeft === null) return '';
  if (secondsLeft > 0) return `, done in about ${inMinutes(Math.ceil(secondsLeft))}`;
  const [longest] = agents
    .flatMap(({ lanes }) => lanes)
    .filter(({ nodeid, seconds }) => nodeid !== null && seconds >= LEAST_NAMED_SECONDS)
    .toSorted((left, right) => right.seconds - left.seconds);
  if (longest === undefined || longest.nodeid === null) return ', later than expected';
  return `, running ${shortName(longest.nodeid)} for ${inMinutes(longest.seconds)}`;
}

/** `812/1204 tests, 40/81 files, 2 failed, 2 agents, 41 s, done in about 20 s`. */
export function statusWords(status: RunStatus): string {
  const bad = outcomeCounts(status).filter(({ word }) => !['passed', 'skipped', 'xfailed', 'xpassed'].includes(word));
  const counts = bad.map(({ word, count }) => countOf(count, word));
  return [testsWords(status), filesWords(status), ...counts, plural(status.agents.length, 'agent'), timeWords(status)].join(', ');
}

export interface OutcomeCount {
  readonly word: string;
  readonly count: number;
}

/** Only the counts above zero, the worst first. */
export function outcomeCounts({ tally: { outcomes, flaky }, collectErrors, lateErrors }: RunStatus): readonly OutcomeCount[] {
  return [
    { word: 'failed', count: outcomes.failed },
    { word: 'error', count: outcomes.error + lateErrors },
    { word: 'collection error', count: collectErrors },
    { word: 'flaky', count: flaky },
    { word: 'passed', count: outcomes.passed },
    { word: 'skipped', count: outcomes.skipped },
    { word: 'xfailed', count: outcomes.xfailed },
    { word: 'xpassed', count: outcomes.xpassed },
  ].filter(({ count }) => count > 0);
}
