// Formats how an unstable test ended in its last runs.

import type { LastRuns } from '../../../shared/domain/suite/timings.ts';
import { plural } from '../../../shared/text/safe-text.ts';

/** `failed in 3 of its last 10 runs`, `failed in 1 and passed only when run again in 2 of its last 7 runs`. */
export function lastRunsWords(lastRuns: LastRuns): string {
  const count = (mark: string): number => lastRuns.split(mark).length - 1;
  const parts = [
    { runs: count('F'), how: 'failed in' },
    { runs: count('R'), how: 'passed only when run again in' },
  ].filter(({ runs }) => runs > 0);
  return `${parts.map(({ runs, how }) => `${how} ${runs}`).join(' and ')} of its last ${plural(lastRuns.length, 'run')}`;
}
