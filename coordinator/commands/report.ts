// `shardline report`: shows the result of a finished run, and writes it in other forms. It runs no tests.

import type { Report, ReportedHistory } from '../../shared/domain/report.ts';
import type { ReportSettings } from '../../shared/settings/settings.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { plural } from '../../shared/text/safe-text.ts';
import { learn } from '../core/learn/learn.ts';
import { historyOf, mergeHistories } from '../core/result/history.ts';
import { judge } from '../core/result/judge.ts';
import type { FinishedRun } from '../record/finished-run.ts';
import { fileTimingStore } from '../record/timings-file.ts';
import { foldFullDisks } from '../reporters/files/full-disks.ts';
import { githubReporters } from '../reporters/files/github-reporter.ts';
import { copyFiles } from '../reporters/files/report-files.ts';
import { finishAll, replayRun } from '../reporters/reporter.ts';
import { reportPrinter } from '../reporters/summary/terminal-reporter.ts';
import { readSources } from './report-sources.ts';

/** Resolves with the exit code of the run that is shown. Throws `not-a-result`, `holds-runs` and `output-not-writable`. */
export async function reportCommand(settings: ReportSettings, edge: Edge): Promise<number> {
  const { runs, report: shown, baseline, combined, places } = await readSources(settings, edge.cwd);
  const history = settings.timings === null ? shown.history : await learnFrom(runs, settings.timings, edge);
  const report = judge({ ...shown, history }, { targets: settings.targets, baseline });
  const reporters = [
    ...copyFiles(settings.copies, places),
    ...githubReporters(settings, edge, places),
    reportPrinter({ ...settings, coverageTable: combined?.table ?? '' }, edge, places),
  ];
  // Reading and reducing the events of a large run takes seconds.
  if (reporters.some(({ observe }) => observe !== undefined)) {
    for (const { events } of runs) await replayRun(reporters, events());
  }
  const { problems } = await finishAll(reporters, report, { paths: combined?.paths ?? [], problems: [] });
  if (problems.length > 0) throw new AggregateError(foldFullDisks(problems));
  return report.exitCode;
}

/** Adds the durations of the runs, in the order given, to those of the file. Resolves with what the file knew of their tests. */
async function learnFrom(runs: readonly FinishedRun[], path: string, edge: Edge): Promise<Report['history']> {
  const store = fileTimingStore(
    path,
    (dropped, source) => void edge.stderr.write(`shardline: warning: ignored ${plural(dropped, 'invalid duration')} from ${source}\n`),
  );
  const known = new Map(await store.load());
  const histories: ReportedHistory[] = [];
  for (const { replayed } of runs) {
    const state = await replayed();
    if (state === null) continue;
    const learned = learn(known, state);
    histories.push(historyOf(state, known, learned));
    for (const [file, timing] of learned) known.set(file, timing);
  }
  await store.save(known);
  return mergeHistories(histories);
}
