// The end of a run: one report in every form, the durations learned, and the exit code.

import { join } from 'node:path';
import { messageOf, ShardlineError } from '../../shared/errors.ts';
import type { Report } from '../../shared/report.ts';
import type { History } from '../../shared/timings.ts';
import { judge } from '../core/judge.ts';
import { goneTests } from '../core/last-failures.ts';
import { learn } from '../core/learn.ts';
import { merge } from '../core/merge.ts';
import type { RunState } from '../core/run-state.ts';
import { firstExitCode } from '../core/verdict.ts';
import type { TimingStore } from '../ports.ts';
import { readJournal } from '../report/journal.ts';
import { writeCopies, writeOutputs, writePage } from '../report/outputs.ts';
import type { CombinedRun } from './combine-run.ts';
import { leaveCache } from './leave-cache.ts';
import { closeMs, type Setting, within } from './setting.ts';
import { showReport } from './show-report.ts';

/** Merges, writes, learns (where there is a store) and prints. What cannot be written is told beside the verdict, never instead of it. */
export async function finishRun(
  setting: Setting,
  state: RunState,
  store: (TimingStore & { readonly old: History }) | null,
  journal: Promise<void>,
  combined: Pick<CombinedRun, 'table' | 'paths'> | null = null,
): Promise<number> {
  const { settings, edge, out } = setting;
  const report = judge(timedMerge(state), setting.judgement);
  const problems: ShardlineError[] = [];
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
  const write = async (): Promise<void> => {
    paths.push(...(await writeOutputs(report, out)));
  };
  const copy = async (): Promise<void> => {
    paths.push(...(await writeCopies(report, settings.copies, () => readJournal(join(out, 'events.ndjson')))));
  };
  await attempt(write());
  await attempt(journal);
  await attempt(copy());
  const unwritten = await leaveCache(state, report);
  if (store !== null) {
    const { files, startSeconds } = store.old;
    await attempt(within(closeMs(setting), store.save({ files: learn(files, state), startSeconds })));
  }
  const draw = async (): Promise<void> => {
    paths.unshift(...(await writePage(report, out)));
  };
  await attempt(draw());

  await attempt(showReport(report, { ...settings, paths, coverageTable: combined?.table ?? '' }, edge));
  const gone = goneTests(state);
  if (gone.length > 0) edge.stderr.write(`shardline: failed before, but not found in their files now: ${gone.join(', ')}\n`);
  if (unwritten !== null) edge.stderr.write(`shardline: ${unwritten}\n`);
  for (const problem of problems) edge.stderr.write(`shardline: error: ${problem.message}\n`);
  return firstExitCode([report.exitCode, ...problems.map(({ exitCode }) => exitCode)]);
}

/** The report says how long merging took, which is known when it is done. */
function timedMerge(state: RunState): Report {
  const startedAt = performance.now();
  const report = merge(state, { finishedAt: Date.now(), mergeSeconds: 0 });
  return { ...report, profile: { ...report.profile, mergeSeconds: (performance.now() - startedAt) / 1000 } };
}
