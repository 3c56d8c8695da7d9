// Formats targets and the comparison with an earlier run for the terminal.

import { assertNever } from '../../../shared/assert-never.ts';
import type { Comparison, JudgedTarget, Report } from '../../../shared/domain/report.ts';
import { measures } from '../../../shared/domain/targets.ts';
import { oneLine, plural, shortName } from '../../../shared/text/safe-text.ts';
import { padded, widest } from '../text/fit.ts';
import { inBytes, inPercent, inSeconds } from './profile-text.ts';

/** Maximum number of names shown of one list; the report has all. */
const SHOWN = 20;

/** One line per target, in columns. */
export function targetLines({ targets }: Report): string[] {
  if (targets === null) return [];
  const names = targets.map(({ target }) => oneLine(target));
  const width = widest(names);
  return targets.map(
    (judged, index) => `target ${judged.met ? 'met   ' : 'MISSED'} ${padded(names[index] ?? '', width)}  ${valueWords(judged)}`,
  );
}

/** `95 %`, `1.2 GB`, `not measured`. */
export function valueWords({ measure, value }: JudgedTarget): string {
  if (value === null) return 'not measured';
  const unit = measures[measure];
  switch (unit) {
    case 'seconds':
      return inSeconds(value);
    case 'bytes':
      return inBytes(value);
    case 'share':
      return inPercent(value);
    case 'number':
      return value.toFixed(Number.isInteger(value) ? 0 : 2);
    default:
      return assertNever(unit);
  }
}

export function comparisonLines({ comparison }: Report): string[] {
  if (comparison === null) return [];
  const { newFailures, fixed, stillFailing, newlySlow, vanished } = comparison;
  return [
    `compared with ${oneLine(comparison.baseline)}: ${comparisonWords(comparison)}`,
    ...named('NEW FAILURE', newFailures.map(shortName)),
    ...named('STILL FAILING', stillFailing.map(shortName)),
    ...named('FIXED', fixed.map(shortName)),
    ...named('VANISHED', vanished.map(shortName)),
    ...named(
      'SLOWER',
      newlySlow.map(
        ({ nodeid, beforeSeconds, seconds }) => `${shortName(nodeid)} - ${inSeconds(beforeSeconds)} before, ${inSeconds(seconds)} now`,
      ),
    ),
  ];
}

export function comparisonWords({ newFailures, fixed, stillFailing, newlySlow, added, vanished }: Comparison): string {
  const counts = [
    plural(newFailures.length, 'new failure'),
    `${fixed.length} fixed`,
    `${stillFailing.length} still failing`,
    `${newlySlow.length} newly slow`,
    plural(added.length, 'new test'),
    `${vanished.length} vanished`,
  ];
  return counts.join(', ');
}

const named = (word: string, names: readonly string[]): string[] => [
  ...names.slice(0, SHOWN).map((name) => `${word} ${name}`),
  ...(names.length > SHOWN ? [`${word} ${names.length - SHOWN} more`] : []),
];
