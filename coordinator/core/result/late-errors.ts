// Separates late teardown errors from collection errors. A teardown that fails after the results of its tests were sent is reported as an
// error under the name of the last test.

import type { Report, ReportedCollectError } from '../../../shared/domain/report.ts';

export interface SplitErrors {
  /** Files and directories that could not be collected. */
  readonly collecting: readonly ReportedCollectError[];
  /** Teardowns that failed after the test of this name. */
  readonly late: readonly ReportedCollectError[];
}

export function splitErrors({ tests, collectErrors }: Pick<Report, 'tests' | 'collectErrors'>): SplitErrors {
  if (collectErrors.length === 0) return { collecting: [], late: [] };
  const names = new Set<string>(tests.map(({ nodeid }) => nodeid));
  // A module that skips itself has its file's id, which contains no `::`.
  const isLate = ({ nodeid }: ReportedCollectError): boolean => nodeid.includes('::') && names.has(nodeid);
  return { collecting: collectErrors.filter((error) => !isLate(error)), late: collectErrors.filter(isLate) };
}
