// Names what would make the next run of a suite faster, from the measurements of this one.

import type { Report } from '../../../shared/domain/report.ts';

/** Shorter runs get no advice: it would save seconds. */
const LEAST_SECONDS = 30;
/** From this share of its time on, something is busy. */
const BUSY = 0.85;
/** At this share of the processors' time, tests wait for something else. */
const WAITING = 0.5;
/** xdist workers beyond this number cost more memory and start-up than they save. */
const MOST_WORKERS = 16;

/** More workers than cores if the tests wait, and more agents if the processors are busy all the time; null where neither is clear. */
export function adviceOf({ profile, agents, totals }: Pick<Report, 'profile' | 'agents' | 'totals'>): string | null {
  const { cpuUtilization: cpu, efficiency, makespanSeconds } = profile;
  const working = agents.filter(({ workers }) => workers > 0);
  if (cpu === null || totals.notRun > 0 || makespanSeconds < LEAST_SECONDS || working.length === 0) return null;
  const workers = Math.max(...working.map((agent) => agent.workers));
  const more = Math.min(MOST_WORKERS, 2 * workers, Math.round(workers / Math.max(cpu, 0.01)));
  const busy = `the CPUs are ${(cpu * 100).toFixed(0)} % busy`;
  if (cpu < WAITING && efficiency >= WAITING && more > workers) {
    return `${busy}: the tests wait. Fix: use more workers than cores, -n ${more}`;
  }
  return cpu >= BUSY && efficiency >= BUSY ? `${busy}: only more agents, or a machine with more cores, help` : null;
}
