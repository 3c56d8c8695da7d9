// Divides a suite into parts for runs that do not know of each other. Runs with the same files and durations find the same division.

import type { TestFile } from '../../../shared/domain/ids.ts';
import type { SuitePart } from '../../../shared/domain/part.ts';
import { compareText } from '../../../shared/text/compare-text.ts';
import { pull } from './list-schedule.ts';
import type { EstimatedUnit } from './plan.ts';

/** Without this, files of which no duration is known would all go to one part. */
const LEAST_SECONDS = 0.001;

/** The files of each of `total` parts. Every unit is in exactly one part; longest first into the emptiest part (Graham 1969). */
export function divide(units: readonly EstimatedUnit[], total: number): readonly (readonly TestFile[])[] {
  const sorted = units.toSorted((left, right) => right.seconds - left.seconds || compareText(firstOf(left) ?? '', firstOf(right) ?? ''));
  const { machines } = pull(
    sorted.map(({ seconds }) => Math.max(LEAST_SECONDS, seconds)),
    total,
  );
  const parts = Array.from({ length: total }, (): TestFile[] => []);
  for (const [place, { selectors }] of sorted.entries()) parts[machines[place] ?? 0]?.push(...selectors.map(({ file }) => file));
  return parts;
}

/**
 * The units that belong to this part. A collection of the whole list may bind files together that the division did not know to be bound:
 * they belong to the part of the first of them. What belongs to no file of the division is the first part's.
 */
export function unitsOfPart<Unit extends Pick<EstimatedUnit, 'selectors'>>(units: readonly Unit[], part: SuitePart): readonly Unit[] {
  const files = new Set(part.files);
  const own = new Set(part.own);
  return units.filter((unit) => {
    const file = firstOf(unit, files);
    return file === null ? part.index === 1 : own.has(file);
  });
}

/** The file whose name comes first, of those in `among`; null if there is none. */
function firstOf({ selectors }: Pick<EstimatedUnit, 'selectors'>, among?: ReadonlySet<TestFile>): TestFile | null {
  const files = selectors.map(({ file }) => file).filter((file) => among === undefined || among.has(file));
  return files.reduce<TestFile | null>((first, file) => (first === null || compareText(file, first) < 0 ? file : first), null);
}
