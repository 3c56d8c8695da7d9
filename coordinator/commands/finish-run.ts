// Ends a run: writes its report in every form, saves the learned durations and returns the exit code.

import { resolve } from 'node:path';
import type { Report } from '../../shared/domain/report.ts';
import type { Timings } from '../../shared/domain/suite/timings.ts';
import { messageOf, ShardlineError } from '../../shared/errors.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { learn } from '../core/learn/learn.ts';
import { historyOf } from '../core/result/history.ts';
import { asRetry, judge } from '../core/result/judge.ts';
import { goneTests } from '../core/result/last-failures.ts';
import { merge } from '../core/result/merge.ts';
import { firstExitCode } from '../core/result/verdict.ts';
import type { RunState } from '../core/state/run-state.ts';
import type { RunLog, TimingStore } from '../ports.ts';
import { NO_PLACES } from '../report-places.ts';
import { foldFullDisks } from '../reporters/files/full-disks.ts';
import { githubReporters } from '../reporters/files/github-reporter.ts';
import { copyFiles, resultFiles, resultPage } from '../reporters/files/report-files.ts';
import { finishAll, NOTHING_WRITTEN, type Reporter } from '../reporters/reporter.ts';
import { reportPrinter } from '../reporters/summary/terminal-reporter.ts';
import { exportTrace } from '../reporters/traces/export-trace.ts';
import type { CombinedRun } from './coverage/combine-run.ts';
import { leaveCache } from './leave-cache.ts';
import { closeMs, isUsualOut, placesOf, type Setting, within } from './run-context.ts';
import { type NoteWriter, noteVerdict } from './serving/note-run.ts';
import { durationsWarning } from './serving/save-durations.ts';

/** What a run hands to its end. */
export interface Ending {
  /** The store for learned durations; null if nothing was measured. */
  readonly store: (TimingStore & { readonly old: Timings }) | null;
  /** The history in an earlier report of this run, for an end without a store. */
  readonly history?: Report['history'];
  /** The run's log, still open; null if none is written. */
  readonly log: Pick<RunLog, 'close'> | null;
  readonly combined: Pick<CombinedRun, 'table' | 'paths'> | null;
  /** Write the copies that the user requested. They have observed the run. */
  readonly copies: readonly Reporter[];
  /** Why nothing may be written to the run's own directory; null if writing is allowed. */
  readonly isShutOut: ShardlineError | null;
  /** Writes the note of the run; null for an embedded Redis. */
  readonly notes: NoteWriter | null;
}

/**
 * Merges, writes, saves durations (if there is a store) and prints. A file that cannot be written is reported beside the verdict, never
 * instead of it.
 */
export async function finishRun(
  setting: Setting,
  state: RunState,
  { store, history = null, log, combined, copies, isShutOut, notes }: Ending,
): Promise<number> {
  const { settings, edge, out } = setting;
  const learned = store === null ? null : learn(store.old, state);
  const { job } = await setting.origin;
  const places = isShutOut === null ? placesOf(setting) : NO_PLACES;
  const merged = timedMerge(state, store === null || learned === null ? history : historyOf(state, store.old, learned), job);
  const report = judge(
    setting.jobs?.again ? asRetry(merged, { failed: new Set(setting.jobs.again.failed), flakyFails: settings.flakyFails }) : merged,
    setting.judgement,
  );
  const problems: ShardlineError[] = isShutOut === null ? [] : [isShutOut];
  const warnings: ShardlineError[] = [];
  const attempt = async (work: Promise<unknown>): Promise<void> => {
    try {
      await work;
    } catch (thrown) {
      problems.push(
        thrown instanceof ShardlineError ? thrown : new ShardlineError('internal', { problem: messageOf(thrown) }, { cause: thrown }),
      );
    }
  };
  const paths: string[] = [...(combined?.paths ?? [])];
  const finish = async (reporters: readonly Reporter[]): Promise<void> => {
    const written = await finishAll(reporters, report);
    paths.push(...written.paths);
    problems.push(...written.problems);
  };
  if (isShutOut === null) await finish([resultFiles(out, places)]);
  if (log !== null) await attempt(log.close());
  await finish(copies);
  // The agents' pytest would each write the file with their own tests only.
  const { junitXml } = state.opened;
  await finish(copyFiles({ json: null, junitXml: junitXml && resolve(settings.workspace, junitXml), html: null, trace: null }, NO_PLACES));
  const unwritten = await leaveCache(state, report, settings.workspace);
  if (store !== null && learned !== null) {
    const saving = within(closeMs(setting), store.save(learned));
    await attempt(
      durationsWarning(saving, settings.timings !== null).then((warning) => {
        if (warning !== null) warnings.push(warning);
      }),
    );
  }
  if (isShutOut === null) {
    const page = await resultPage(out, isUsualOut(setting)).finish(report, NOTHING_WRITTEN);
    paths.unshift(...page.paths);
    problems.push(...page.problems);
  }

  const exitCode = (): number => firstExitCode([report.exitCode, ...problems.map((problem) => problem.exitCode)]);
  const shown = { ...settings, coverageTable: combined?.table ?? '' };
  const printing = [...githubReporters(settings, edge, places), reportPrinter(shown, edge, places)];
  const printed = finishAll(printing, { ...report, exitCode: exitCode() }, { paths, problems: [] });
  await attempt(printed.then((written) => problems.push(...written.problems)));
  if (notes !== null) {
    const place = { out: isShutOut === null ? out : null, job };
    await within(closeMs(setting), noteVerdict(notes, state, { ...report, exitCode: exitCode() }, place));
  }
  printNotes(edge, { gone: goneTests(state), unwritten, problems, warnings });
  // The run goes on in another job, which exports all of it.
  if (setting.jobs?.leaving.aborted) return exitCode();
  await setting.jobs?.conclude(report, exitCode());
  const leftMs = settings.deadlineSeconds === null ? null : setting.startedAt + settings.deadlineSeconds * 1000 - Date.now();
  await exportTrace(state, { ...report, exitCode: exitCode() }, { edge, log: setting.logger, leftMs });
  return exitCode();
}

interface Notes {
  /** Tests that the run was to run again and that do not exist any more. */
  readonly gone: readonly string[];
  /** Why pytest's cache was not written; null if it was. */
  readonly unwritten: string | null;
  readonly problems: readonly ShardlineError[];
  readonly warnings: readonly ShardlineError[];
}

function printNotes({ stderr }: Edge, { gone, unwritten, problems, warnings }: Notes): void {
  if (gone.length > 0)
    stderr.write(`shardline: not found any more, though ${gone.length === 1 ? 'it' : 'they'} failed in the last run: ${gone.join(', ')}\n`);
  if (unwritten !== null) stderr.write(`shardline: ${unwritten}\n`);
  for (const { message } of foldFullDisks(problems)) stderr.write(`shardline: error: ${message}\n`);
  for (const { values } of warnings)
    stderr.write(`shardline: warning: could not save test durations to ${values.path}: ${values.problem}\n`);
}

/**
 * The report contains the duration of the merge, which is known only after the merge. `job` is the CI job that writes the report. It may have
 * resumed the run of another job.
 */
function timedMerge(state: RunState, history: Report['history'], job: string | null): Report {
  const startedAt = performance.now();
  const report = merge(state, { finishedAt: Date.now(), mergeSeconds: 0 });
  const origin = report.origin === null ? null : { ...report.origin, job };
  return { ...report, origin, history, profile: { ...report.profile, mergeSeconds: (performance.now() - startedAt) / 1000 } };
}
