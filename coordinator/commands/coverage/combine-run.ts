// Combines the coverage of a finished run and reports it as pytest-cov was asked to. It names the data that is missing.

import { type CoverageOptions, isPartial, type ReportedCoverage } from '../../../shared/domain/coverage.ts';
import { messageOf, ShardlineError } from '../../../shared/errors.ts';
import { type Combined, combineCoverage } from '../../../shared/pytest/combine-coverage.ts';
import { makeDirectory } from '../../../shared/system/files/make-directory.ts';
import { missingCoverage } from '../../core/result/coverage.ts';
import { merge } from '../../core/result/merge.ts';
import type { RunState } from '../../core/state/run-state.ts';
import type { Setting } from '../run-context.ts';
import type { CoverageFiles } from './coverage-files.ts';

/** The data of a part for the merge. Its name is not hidden, because upload-artifact skips hidden files. */
export const PART_DATA = 'coverage.data';

/** How long coverage.py may take for its reports without a deadline. With a deadline it gets half of the time left. */
export const COMBINE_MS = 15 * 60_000;

export interface CombinedRun {
  readonly coverage: ReportedCoverage;
  /** The table for the terminal; empty if the user did not request one. */
  readonly table: string;
  readonly paths: readonly string[];
}

/** Throws only `bad-message`. A failed write is a problem of the coverage, not an error. */
export async function combineRun(setting: Setting, state: RunState, options: CoverageOptions, files: CoverageFiles): Promise<CombinedRun> {
  const { settings, out } = setting;
  const { workspace } = settings;
  const { kept } = state.coverage;
  const received = kept.flatMap(({ agent, origin, parts }) =>
    parts.flatMap(({ part }) => {
      const path = files.pathOf(agent, part);
      return path === undefined ? [] : [{ path, agent, ...origin }];
    }),
  );
  try {
    makeDirectory(files.directory, 0o700);
    const { directory } = files;
    const isReported = !(options.notOnFail && hasFailed(state));
    const dataNames = state.opened.part === null ? ['.coverage'] : ['.coverage', PART_DATA];
    const about = { python: settings.python, workspace, directory, out, dataNames, options, files: received, isReported };
    const combined = await combineCoverage({ ...about, limitMs: limitMs(setting) });
    const unusable = new Set(combined.unusable);
    const missing = missingCoverage(state, (agent, part) => {
      const path = files.pathOf(agent, part);
      return path !== undefined && !unusable.has(path);
    });
    const ofAgents = kept.flatMap(({ problem }) => problem ?? []);
    const problems = [...new Set([...ofAgents, ...files.problems, ...combined.problems])];
    return { coverage: reported(state, options, combined, { missing, problems }), table: combined.text, paths: combined.written };
  } catch (thrown) {
    if (thrown instanceof ShardlineError) throw thrown;
    const problems = [`could not combine coverage: ${messageOf(thrown)}`];
    const coverage = { percent: null, failUnder: options.failUnder, isMet: null, missing: [], problems, warnings: [] };
    return { coverage, table: '', paths: [] };
  } finally {
    await files.remove();
  }
}

function reported(
  state: RunState,
  { failUnder }: CoverageOptions,
  { percent, isUnder, warnings }: Combined,
  short: Pick<ReportedCoverage, 'missing' | 'problems'>,
): ReportedCoverage {
  // Partial coverage cannot be compared with a threshold for the whole, and neither can that of a part: the merge does.
  const isWhole = !isPartial(short) && state.closed?.why.kind === 'done' && state.opened.part === null;
  return { percent, failUnder, isMet: isWhole && isUnder !== null ? !isUnder : null, ...short, warnings };
}

function hasFailed(state: RunState): boolean {
  const { totals, collectErrors, sessionErrors } = merge(state, { finishedAt: state.coordinatorAt, mergeSeconds: 0 });
  return totals.failed + totals.error + collectErrors.length + sessionErrors.length > 0;
}

function limitMs({ settings, startedAt }: Setting): number {
  if (settings.deadlineSeconds === null) return COMBINE_MS;
  return Math.max(0, (startedAt + settings.deadlineSeconds * 1000 - Date.now()) / 2);
}
