// `shardline report`: shows the result of a finished run, and writes it in other forms. It runs no tests.

import { ShardlineError } from '../../shared/errors.ts';
import type { ReportSettings } from '../../shared/settings/settings.ts';
import type { Edge } from '../../shared/system/edge.ts';
import type { Baseline } from '../core/result/compare.ts';
import { judge } from '../core/result/judge.ts';
import { mergeReports } from '../core/result/merge-reports.ts';
import { baselineOf, readBaseline } from '../record/baseline.ts';
import { type FinishedRun, readFinishedRun } from '../record/finished-run.ts';
import { foldFullDisks } from '../reporters/files/full-disks.ts';
import { writeCopies } from '../reporters/files/report-files.ts';
import { showReport } from './show-report.ts';

/** Resolves with the exit code of the run that is shown. Throws `not-a-result` and `output-not-writable`. */
export async function reportCommand(settings: ReportSettings, edge: Edge): Promise<number> {
  const { shown, baseline } = await readSources(settings, edge.cwd);
  const report = judge(shown.report, { targets: settings.targets, baseline });
  const { paths, problems } = await writeCopies(report, settings.copies, shown.readEvents);
  await showReport(report, { ...settings, paths }, edge);
  if (problems.length > 0) throw new AggregateError(foldFullDisks(problems));
  return report.exitCode;
}

/** Returns the run to show and the baseline to compare it with. If two runs are not merged, the first is the earlier one. */
async function readSources(settings: ReportSettings, cwd: string): Promise<{ shown: FinishedRun; baseline: Baseline | null }> {
  const [first, ...others] = await Promise.all(settings.sources.map((source) => readFinishedRun(source, cwd)));
  if (first === undefined)
    throw new ShardlineError('bad-option', { problem: 'No finished run was named.', fix: 'Run `shardline report RUN_ID`.' });
  const given = settings.baseline === null ? null : await readBaseline(settings.baseline, cwd);
  const [second] = others;
  if (second === undefined) return { shown: first, baseline: given };
  if (!settings.merge) return { shown: second, baseline: baselineOf(first.report, settings.sources[0] ?? '') };
  // The events of several runs do not form the events of one.
  const merged = mergeReports([first.report, ...others.map(({ report }) => report)]);
  return { shown: { report: merged, readEvents: async () => [] }, baseline: given };
}
