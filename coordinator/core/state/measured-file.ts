// Computes what one run measured of one file, in the terms of its history. learn.ts learns from it.

import type { NodeId } from '../../../shared/domain/ids.ts';
import type { MeasuredFile } from '../plan/split.ts';
import type { FileProgress } from './records.ts';

/** A set-up this many times longer than is usual in its file created a fixture that other tests share. */
const SHARED_MULTIPLE = 5;

/** The lower median. */
const usual = (values: readonly number[]): number =>
  values.toSorted((left, right) => left - right)[Math.floor((values.length - 1) / 2)] ?? 0;
/**
 * Combines the file's parts (one if it was not split). Leaves out tests that run alone after everything else, because they delay no shard.
 * null for a file that was never collected.
 */
export function measureFile(parts: readonly FileProgress[]): MeasuredFile | null {
  const collections = parts.map((part) => part.collectSeconds).filter((seconds) => seconds !== null);
  if (collections.length === 0) return null;
  const ran = parts.map((part) =>
    [...part.tests.values()].flatMap(({ nodeid, accepted }) => (accepted === null || part.serial.has(nodeid) ? [] : [accepted.result])),
  );
  const limit = SHARED_MULTIPLE * usual(ran.flat().map(({ setupSeconds }) => setupSeconds));
  const tests = new Map<NodeId, number>();
  let fixtureSeconds = 0;
  for (const part of ran) {
    let shared = 0;
    for (const { nodeid, seconds, setupSeconds } of part) {
      const paid = setupSeconds > limit ? setupSeconds - limit / SHARED_MULTIPLE : 0;
      tests.set(nodeid, Math.max(0, seconds - paid));
      shared += paid;
    }
    fixtureSeconds = Math.max(fixtureSeconds, shared);
  }
  return { collectSeconds: collections.reduce((most, seconds) => Math.max(most, seconds)), fixtureSeconds, tests };
}
