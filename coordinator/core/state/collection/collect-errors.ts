// Records collection errors by file. Errors that discovery found count from the start and stay.

import type { CollectError } from '../../../../shared/domain/events.ts';
import { nodeId, type TestFile, testFile } from '../../../../shared/domain/ids.ts';
import type { Report, ReportedCollectError } from '../../../../shared/domain/report.ts';
import { compareText } from '../../../../shared/text/compare-text.ts';
import type { RunState } from '../run-state.ts';
import { fitTexts } from '../text-budget.ts';

/** Replaces the recorded errors of this file. */
export function recordErrors(state: RunState, file: TestFile, errors: readonly CollectError[]): void {
  forgetErrors(state, file);
  state.collectErrors.set(
    file,
    errors.map(({ nodeid, message }) => ({ nodeid, message: fitTexts(state.texts, { message, sections: [] }).message ?? '' })),
  );
  if (!isFoundByDiscovery(state, file)) state.failures += errors.length;
}

export function forgetErrors(state: RunState, file: TestFile): void {
  const errors = state.collectErrors.get(file);
  if (errors === undefined) return;
  state.collectErrors.delete(file);
  if (!isFoundByDiscovery(state, file)) state.failures -= errors.length;
}

export const isFoundByDiscovery = ({ opened }: RunState, file: TestFile): boolean =>
  opened.collectErrors.some((error) => error.file === file);

/** All collection errors, in file order. */
export function collectErrorsOf(state: RunState): Report['collectErrors'] {
  const found = new Map<TestFile, readonly CollectError[]>(state.collectErrors);
  for (const { file, message } of state.opened.collectErrors) found.set(testFile(file), [{ nodeid: nodeId(file), message }]);
  return [...found]
    .sort(([left], [right]) => compareText(left, right))
    .flatMap(([file, errors]) => errors.map((error): ReportedCollectError => ({ file, ...error })));
}
