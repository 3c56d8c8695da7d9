// `shardline report`: shows the result of a finished run, and writes it in other forms. It runs no tests.

import type { AgentId } from '../../shared/domain/ids.ts';
import type { Report, ReportedHistory } from '../../shared/domain/report.ts';
import { ShardlineError } from '../../shared/errors.ts';
import type { ReportSettings } from '../../shared/settings/settings.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { newestRun, runsOf } from '../../shared/system/run-place.ts';
import { plural } from '../../shared/text/safe-text.ts';
import { learn } from '../core/learn/learn.ts';
import type { Baseline } from '../core/result/compare.ts';
import { historyOf, mergeHistories } from '../core/result/history.ts';
import { judge } from '../core/result/judge.ts';
import { mergeReports, ownAgentNames } from '../core/result/merge-reports.ts';
import { type CoordinatorEvent, withAgent } from '../core/state/events.ts';
import { baselineOf, readBaseline } from '../record/baseline.ts';
import { type FinishedRun, readFinishedRun } from '../record/finished-run.ts';
import { fileTimingStore } from '../record/timings-file.ts';
import { foldFullDisks } from '../reporters/files/full-disks.ts';
import { githubReporters } from '../reporters/files/github-reporter.ts';
import { copyFiles } from '../reporters/files/report-files.ts';
import { finishAll, replayRun } from '../reporters/reporter.ts';
import { reportPrinter } from '../reporters/summary/terminal-reporter.ts';

/** Resolves with the exit code of the run that is shown. Throws `not-a-result` and `output-not-writable`. */
export async function reportCommand(settings: ReportSettings, edge: Edge): Promise<number> {
  const { runs, report: shown, baseline } = await readSources(settings, edge.cwd);
  const history = settings.timings === null ? shown.history : await learnFrom(runs, settings.timings, edge);
  const report = judge({ ...shown, history }, { targets: settings.targets, baseline });
  const reporters = [...copyFiles(settings.copies), ...githubReporters(settings, edge), reportPrinter(settings, edge)];
  // Reading and reducing the events of a large run takes seconds.
  if (reporters.some(({ observe }) => observe !== undefined)) {
    for (const { events } of runs) await replayRun(reporters, events());
  }
  const { problems } = await finishAll(reporters, report);
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

interface Sources {
  /** The runs that the report is about. */
  readonly runs: readonly FinishedRun[];
  readonly report: Report;
  readonly baseline: Baseline | null;
}

/** Returns the run to show and the baseline to compare it with. If two runs are not merged, the first is the earlier one. */
async function readSources(settings: ReportSettings, cwd: string): Promise<Sources> {
  const sources = settings.sources.length > 0 ? settings.sources : [await newestRun(settings.workspace)];
  const [first, ...others] = await Promise.all(sources.map((source) => readFinishedRun(source, cwd)));
  if (first === undefined) throw new ShardlineError('no-run', { folder: runsOf(settings.workspace) });
  const given = settings.baseline === null ? null : await readBaseline(settings.baseline, cwd);
  const [second] = others;
  // One part alone is not the whole suite, which only a merge can tell.
  if (second === undefined && !(settings.merge && first.report.part !== null)) {
    return { runs: [first], report: first.report, baseline: given };
  }
  if (second !== undefined && !settings.merge)
    return { runs: [second], report: second.report, baseline: baselineOf(first.report, sources[0] ?? '') };
  const reports = [first.report, ...others.map(({ report }) => report)] as const;
  const names = ownAgentNames(reports);
  const runs = [first, ...others].map((run, index): FinishedRun => {
    const ofRun = (agent: AgentId): AgentId => names(agent, index);
    return { ...run, events: () => renamed(run.events(), ofRun) };
  });
  return { runs, report: mergeReports(reports), baseline: given };
}

async function* renamed(events: AsyncIterable<CoordinatorEvent>, ofRun: (agent: AgentId) => AgentId): AsyncGenerator<CoordinatorEvent> {
  for await (const event of events) yield withAgent(event, ofRun);
}
