// Formats coverage for the terminal.

import { isPartial } from '../../../shared/domain/coverage.ts';
import type { Report } from '../../../shared/domain/report.ts';
import { harmless, oneLine, plural } from '../../../shared/text/safe-text.ts';

/** Maximum number of files to name; the report has all. */
const SHOWN = 20;

/** coverage.py's own table, and the caveats that the reader must know. */
export function coverageLines({ coverage, totals, part }: Report, table: string): readonly string[] {
  if (coverage === null) return [];
  const { percent, failUnder, isMet, missing, problems, warnings } = coverage;
  const of = isPartial(coverage) ? ' of what arrived' : totals.notRun > 0 ? ' of what ran' : part === null ? '' : ' of this part';
  const unchecked = part === null ? `limit ${failUnder} % not checked` : `the merge checks the limit of ${failUnder} %`;
  const limit = failUnder === null ? '' : isMet === null ? `, ${unchecked}` : `, limit ${failUnder} %`;
  return [
    ...(table === '' ? [] : harmless(table.trimEnd()).split('\n')),
    ...warnings.map((warning) => `coverage ${oneLine(warning)}`),
    ...problems.map((problem) => `COVERAGE MISSING ${oneLine(problem)}`),
    ...missing.slice(0, SHOWN).map(({ file, agent }) => `COVERAGE MISSING ${oneLine(file)} - it ran on ${oneLine(agent)}`),
    ...(missing.length > SHOWN ? [`COVERAGE MISSING ${plural(missing.length - SHOWN, 'more file')}`] : []),
    ...(isMet === false ? [`ERROR coverage of ${coverageWords(percent)} is below the limit of ${failUnder} % (--cov-fail-under)`] : []),
    ...(percent === null || isMet === false ? [] : [`coverage ${coverageWords(percent)}${of}${limit}`]),
  ];
}

/** `85.71 %`. */
export const coverageWords = (percent: number | null): string => (percent === null ? 'unknown' : `${Number(percent.toFixed(2))} %`);
