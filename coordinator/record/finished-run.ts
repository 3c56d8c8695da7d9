// Reads what a finished run left: its report, or a report rebuilt from its events if there is none.

import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Report } from '../../shared/domain/report.ts';
import { messageOf, ShardlineError } from '../../shared/errors.ts';
import { findRun } from '../../shared/system/run-place.ts';
import { merge } from '../core/result/merge.ts';
import type { CoordinatorEvent } from '../core/state/events.ts';
import type { RunState } from '../core/state/run-state.ts';
import { readFileLog } from './file-log.ts';
import { decodeLog } from './record-codec.ts';
import { replayLog } from './replay-log.ts';
import { readReport } from './report-file.ts';

export interface FinishedRun {
  readonly report: Report;
  /** The folder that it was read from. */
  readonly folder: string;
  readonly hasEvents: boolean;
  /** Yields the recorded events of the run; none if it left only a report. Throws `bad-message`, `newer-version` and `older-version`. */
  readonly events: () => AsyncIterable<CoordinatorEvent>;
  /** The state at its end; null if it left only a report. Throws the same. */
  readonly replayed: () => Promise<RunState | null>;
}

/**
 * Reads the run that `name` names: a run's folder, its report.json, its events.ndjson, or the id of a run in `.shardline/runs`. Throws
 * `not-a-result`.
 */
export async function readFinishedRun(name: string, cwd: string): Promise<FinishedRun> {
  const path = await placeOf(name, cwd);
  try {
    const report = path.endsWith('.ndjson') ? await rebuild(path) : await readReport(path);
    const log = path.endsWith('.ndjson') ? path : join(dirname(path), 'events.ndjson');
    return {
      report,
      folder: dirname(path),
      hasEvents: await isThere(log),
      events: () => recordedEvents(log),
      replayed: () => replayed(log),
    };
  } catch (thrown) {
    if (thrown instanceof ShardlineError && thrown.code !== 'bad-message') throw thrown;
    throw new ShardlineError('not-a-result', { path, problem: problemOf(thrown) }, { cause: thrown });
  }
}

/** Rebuilds the run's report. Only values known to its writer differ: the finish is the last event, and merging took no time. */
async function rebuild(path: string): Promise<Report> {
  const recorded = await replayLog(readFileLog(path), path);
  if (recorded === null) throw new ShardlineError('not-a-result', { path, problem: 'its first event is not the start of a run' });
  const { state } = recorded;
  const { coverage } = state.opened;
  if (state.closed !== null && coverage !== null) {
    const problems = ['the run ended before it combined its coverage'];
    state.coverage.combined ??= { percent: null, failUnder: coverage.failUnder, isMet: null, missing: [], problems, warnings: [] };
  }
  return merge(state, { finishedAt: state.coordinatorAt, mergeSeconds: 0 });
}

async function replayed(path: string): Promise<RunState | null> {
  return (await isThere(path)) ? ((await replayLog(readFileLog(path), path))?.state ?? null) : null;
}

async function* recordedEvents(path: string): AsyncGenerator<CoordinatorEvent> {
  if (!(await isThere(path))) return;
  for await (const { events } of decodeLog(readFileLog(path), path)) yield* events;
}

async function placeOf(name: string, cwd: string): Promise<string> {
  const { kind, path } = await findRun(name, cwd);
  if (kind === 'file') return path;
  const report = join(path, 'report.json');
  return (await isThere(report)) ? report : join(path, 'events.ndjson');
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

const problemOf = (thrown: unknown): string =>
  thrown instanceof ShardlineError ? String(thrown.values.problem ?? thrown.message) : messageOf(thrown);
