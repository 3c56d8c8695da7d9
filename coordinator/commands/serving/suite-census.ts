// Decides whether a run takes a census of its suite, and keeps the census that it took for later runs.

import type { Census } from '../../../shared/domain/suite/census.ts';
import { messageOf } from '../../../shared/errors.ts';
import { takeCensus } from '../../core/learn/take-census.ts';
import type { RunState } from '../../core/state/run-state.ts';
import type { KnownCensus } from '../prepare-run.ts';
import { closeMs, type Setting, within } from '../run-context.ts';
import type { OpenedRun } from './opened-run.ts';

/**
 * True if the run also checks whether files can be collected one by one. A run that collects the whole list does so if that is unknown or
 * has become doubtful.
 */
export function provesSeparable({ settings }: Setting, { state: { opened }, census }: OpenedRun): boolean {
  if (opened.restarted !== null && opened.restarted.mismatch !== null) return true;
  return settings.collect === 'auto' && (opened.spec.collect === 'file' || mayRenew(census.old));
}

/**
 * True unless the census shows that files of this suite can never be collected one by one. If true, each collection of the whole list takes
 * a new census.
 */
const mayRenew = (census: Census | null): boolean => census === null || (census.inseparable === null && census.problems.length === 0);

/** Returns what is known after this run. If the census cannot be saved, the next run is slower; this run does not fail. */
export async function keepCensus(setting: Setting, { census, redis }: OpenedRun, state: RunState): Promise<KnownCensus> {
  const taken = takeCensus(state, census.old, census.contents);
  if (taken === null || state.redisLost) return census;
  await within(closeMs(setting), redis.census.save(census.key, taken)).catch((thrown: unknown) => {
    setting.edge.stderr.write(
      `shardline: warning: could not save how to collect this suite; the next run collects it as a whole: ${messageOf(thrown)}\n`,
    );
  });
  return { ...census, old: taken };
}
