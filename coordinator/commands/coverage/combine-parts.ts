// Combines the coverage of merged parts and checks its limit, which no part can do alone.

import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type CoverageOptions, isPartial, type ReportedCoverage } from '../../../shared/domain/coverage.ts';
import type { Report } from '../../../shared/domain/report.ts';
import { combineCoverage } from '../../../shared/pytest/combine-coverage.ts';
import type { ReportSettings } from '../../../shared/settings/settings.ts';
import { makeTempDirectory } from '../../../shared/system/files/temp-directory.ts';
import { ownAgentNames } from '../../core/result/parts/merge-reports.ts';
import { isCounted } from '../../core/result/parts/prove-parts.ts';
import type { RunState } from '../../core/state/run-state.ts';
import type { FinishedRun } from '../../record/finished-run.ts';
import { COMBINE_MS, type CombinedRun, PART_DATA } from './combine-run.ts';

interface PartCoverage {
  readonly options: CoverageOptions;
  readonly files: Parameters<typeof combineCoverage>[0]['files'];
}

/** `given`: all runs of the merge. `merged`: its report without coverage. Resolves with null if the runs are no parts, or measured nothing. */
export async function combineParts(
  given: readonly FinishedRun[],
  merged: Report,
  { python, workspace }: Pick<ReportSettings, 'python' | 'workspace'>,
): Promise<CombinedRun | null> {
  const reports = given.map(({ report }) => report);
  const counts = isCounted(reports);
  const names = ownAgentNames(reports);
  const missing = given.flatMap(({ report }, place) =>
    counts(report) ? (report.coverage?.missing ?? []).map(({ file, agent }) => ({ file, agent: names(agent, place) })) : [],
  );
  const measured = given.filter(({ report }) => counts(report) && report.part !== null && report.coverage !== null);
  const [first] = measured;
  if (first === undefined) return null;
  const failUnder = first.report.coverage?.failUnder ?? null;
  const short = { missing, problems: measured.flatMap(({ report }) => report.coverage?.problems ?? []) };
  const parts = await Promise.all(measured.map(partCoverage));
  const unread = parts.filter((part) => typeof part === 'string');
  const found = parts.filter((part) => typeof part !== 'string');
  const options = found[0]?.options;
  if (options === undefined) return { coverage: reported({ failUnder, ...short }, unread, [], null), table: '', paths: [] };
  const directory = makeTempDirectory('shardline-coverage-');
  try {
    const isReported = !(options.notOnFail && merged.totals.failed + merged.totals.error + merged.collectErrors.length > 0);
    const files = found.flatMap((part) => part.files);
    const about = { python, workspace, directory, out: directory, dataNames: [], options, files, isReported };
    const { percent, isUnder, problems, warnings, text, written } = await combineCoverage({ ...about, limitMs: COMBINE_MS });
    const coverage = reported({ failUnder, ...short }, [...unread, ...problems], warnings, percent);
    const isWhole = !isPartial(coverage) && merged.totals.notRun === 0 && merged.partProblems.length === 0;
    return {
      coverage: { ...coverage, isMet: isWhole && isUnder !== null ? !isUnder : null },
      table: text,
      paths: written.filter((path) => !path.startsWith(directory)),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Without a limit, what could not be combined is no reason to fail: each part has reported its own coverage. */
function reported(
  { failUnder, missing, problems }: Pick<ReportedCoverage, 'failUnder' | 'missing' | 'problems'>,
  uncombined: readonly string[],
  warnings: readonly string[],
  percent: number | null,
): ReportedCoverage {
  const about = { percent, failUnder, isMet: null, missing };
  if (failUnder === null) return { ...about, problems, warnings: [...uncombined, ...warnings] };
  return { ...about, problems: [...new Set([...problems, ...uncombined])], warnings };
}

/** The data of a part; a message if it is not there. */
async function partCoverage({ report, folder, replayed }: FinishedRun): Promise<PartCoverage | string> {
  const path = join(folder, PART_DATA);
  const name = `part ${report.part?.index} of ${report.part?.total}`;
  const state = await replayed();
  const options = state?.opened.coverage ?? null;
  if (state === null || options === null) return `${name} has no events.ndjson, which the merge needs to combine the coverage of the parts`;
  // A part without tests measures nothing.
  if (!state.coverage.kept.some(({ parts }) => parts.length > 0)) return { options, files: [] };
  if (!existsSync(path)) return `${name} has no ${PART_DATA}, which the merge needs to combine the coverage of the parts`;
  return { options, files: originsOf(state).map((origin) => ({ path, ...origin })) };
}

/** The roots of the paths in a part's data, which come from the workspace of the part or of its agents. */
const originsOf = ({ coverage: { kept } }: RunState) => kept.map(({ agent, origin }) => ({ agent, ...origin }));
