// `shardline report`: shows what a finished run came to, and writes it in other forms. Runs nothing.

import type { Edge } from '../../shared/cli/edge.ts';
import type { ReportSettings } from '../../shared/settings.ts';
import { judge } from '../core/judge.ts';
import { readBaseline } from '../report/baseline.ts';
import { readFinishedRun } from '../report/finished-run.ts';
import { writeCopies } from '../report/outputs.ts';
import { showReport } from './show-report.ts';

/** Resolves with the exit code of the run that is shown. Throws `not-a-result` and `output-not-writable`. */
export async function reportCommand(settings: ReportSettings, edge: Edge): Promise<number> {
  const [source = ''] = settings.sources;
  const finished = await readFinishedRun(source, edge.cwd);
  const baseline = settings.baseline === null ? null : await readBaseline(settings.baseline, edge.cwd);
  const report = judge(finished.report, { targets: settings.targets, baseline });
  const paths = await writeCopies(report, settings.copies, finished.readEvents);
  await showReport(report, { ...settings, paths }, edge);
  return report.exitCode;
}
