// The end of a run: one report in every form, the durations learned, and the exit code.

import { messageOf, ShardlineError } from '../../shared/errors.ts';
import type { Report } from '../../shared/report.ts';
import type { Timings } from '../../shared/timings.ts';
import { judge } from '../core/judge.ts';
import { learn } from '../core/learn.ts';
import { merge } from '../core/merge.ts';
import type { RunState } from '../core/run-state.ts';
import { firstExitCode } from '../core/verdict.ts';
import type { TimingStore } from '../ports.ts';
import { writeOutputs } from '../report/outputs.ts';
import { renderReport } from '../report/terminal.ts';
import { CLOSE_MS, type Setting, within } from './setting.ts';

/** Merges, writes, learns (where there is a store) and prints. What cannot be written is told beside the verdict, never instead of it. */
export async function finishRun(
  setting: Setting,
  state: RunState,
  store: (TimingStore & { old: Timings }) | null,
  journal: Promise<void>,
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
  let paths: readonly string[] = [];
  const write = async (): Promise<void> => {
    paths = await writeOutputs(report, out, { json: settings.json, junitXml: settings.junitXml });
  };
  await attempt(write());
  await attempt(journal);
  if (store !== null) await attempt(within(CLOSE_MS, store.save(learn(store.old, state))));

  const color = edge.stdout.isTTY === true && edge.env.NO_COLOR === undefined;
  edge.stdout.write(renderReport(report, { color, width: edge.stdout.columns ?? 80, paths, verbosity: settings.verbosity }));
  for (const problem of problems) edge.stderr.write(`shardline: error: ${problem.message}\n`);
  return firstExitCode([report.exitCode, ...problems.map(({ exitCode }) => exitCode)]);
}

/** The report says how long merging took: it is merged once to measure, and once to say so. */
function timedMerge(state: RunState): Report {
  const startedAt = performance.now();
  merge(state, { finishedAt: Date.now(), mergeSeconds: 0 });
  return merge(state, { finishedAt: Date.now(), mergeSeconds: (performance.now() - startedAt) / 1000 });
}
