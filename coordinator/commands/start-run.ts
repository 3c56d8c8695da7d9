// Begins a run: prepares it within its deadline, and serves it.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RunSettings } from '../../shared/settings/settings.ts';
import { createClosingStack } from '../../shared/system/closing-stack.ts';
import { holdDirectory } from '../../shared/system/files/hold-directory.ts';
import { removeEmpty } from '../../shared/system/files/make-directory.ts';
import { readSelected } from '../../shared/system/selected.ts';
import { addressOf } from '../../shared/wire/run-spec.ts';
import { deadlineBeyondJob } from '../ci/limit.ts';
import { deadlineTimes, defaultReserveSeconds } from '../core/state/deadline.ts';
import type { Deadline } from '../core/state/events.ts';
import { reduce } from '../core/state/reduce.ts';
import { openRun } from '../core/state/run-state.ts';
import { openFileLog } from '../record/file-log.ts';
import { createRecorder } from '../record/recorder.ts';
import { copyFiles, prepareOut } from '../reporters/files/report-files.ts';
import { operatorLog } from '../reporters/operator-log.ts';
import { replayRun } from '../reporters/reporter.ts';
import type { Interrupts } from '../run-loop.ts';
import { outOfTime } from './expired-before-start.ts';
import { finishRun } from './finish-run.ts';
import { lastFailures } from './preparation/last-failures.ts';
import { type Known, prepareRun } from './prepare-run.ts';
import { endOf, endsWithin, placesOf, type Setting } from './run-context.ts';
import { serveRun } from './serve-run.ts';

/**
 * Prepares a new run, serves it and resolves with its exit code. Throws a ShardlineError, or an AggregateError of several, if there is
 * nothing to report on.
 */
export async function startRun(setting: Setting, interrupts: Interrupts): Promise<number> {
  const { settings, edge, startedAt } = setting;
  await using opened = createClosingStack();
  const paths = await pathsOf(setting);
  const pytestArgs = [...paths, ...settings.pytestArgs];
  // A run that ends before it has written anything leaves no directory.
  if (!existsSync(setting.out)) opened.defer(() => removeEmpty(setting.out));
  await prepareOut(setting.out);
  opened.use(await holdDirectory(setting.out));
  const deadline = deadlineOf(settings);
  const beyond = deadline === null ? null : deadlineBeyondJob(edge.env, startedAt, deadline.seconds);
  if (beyond !== null) edge.stderr.write(`shardline: ${beyond}\n`);

  const known: Known = { suite: null, timings: new Map() };
  const tooLate = new AbortController();
  const ending = AbortSignal.any([endOf(interrupts), tooLate.signal]);
  const preparing = prepareRun(setting, pytestArgs, deadline, known, opened, ending);
  const times = deadlineTimes({ startedAt, deadline });
  const isInTime = times === null || (await endsWithin(times.drainAt - Date.now(), preparing));
  const logPath = join(setting.out, 'events.ndjson');
  if (!isInTime && deadline !== null) {
    tooLate.abort();
    const log = openFileLog(logPath);
    const [opening, closing] = outOfTime(setting, await setting.origin, paths, pytestArgs, deadline, known);
    const recorder = createRecorder(log, { address: addressOf(opening.spec), epoch: 0, seq: 0, signer: setting.trust.signer });
    for (const event of [opening, closing]) recorder.add(event);
    recorder.flush();
    const state = openRun(opening);
    reduce(state, closing);
    const copies = [...copyFiles(settings.copies, placesOf(setting)), operatorLog(setting.logger)];
    await replayRun(copies, [opening, closing]);
    const exitCode = await finishRun(setting, state, {
      store: null,
      log,
      combined: null,
      copies,
      isShutOut: null,
      notes: null,
    });
    // The report is already written. The preparation ends by its own time limits.
    await preparing.catch(() => undefined);
    return exitCode;
  }

  const { opening, planSuite, census, redis } = await preparing;
  const log = openFileLog(logPath);
  return await serveRun(
    setting,
    {
      state: openRun(opening),
      recorded: null,
      planSuite,
      census,
      redis,
      log,
      recorder: createRecorder(log, { address: addressOf(opening.spec), epoch: redis.channel.epoch, seq: 0, signer: setting.trust.signer }),
      copies: [...copyFiles(settings.copies, placesOf(setting)), operatorLog(setting.logger)],
    },
    interrupts,
  );
}

/** The paths that pytest collects; empty for all that its configuration names. */
async function pathsOf({ settings, edge, jobs }: Setting): Promise<readonly string[]> {
  if (jobs !== null && jobs.again !== null) return jobs.again.paths;
  if (settings.failed) {
    const { paths, notes } = await lastFailures(settings, edge.cwd);
    for (const note of notes) edge.stderr.write(`shardline: ${note}\n`);
    return paths;
  }
  return settings.selected === null ? settings.paths : [...settings.paths, ...(await readSelected(settings.selected, edge.stdin))];
}

function deadlineOf({ deadlineSeconds: seconds, reserveSeconds }: RunSettings): Deadline | null {
  return seconds === null ? null : { seconds, reserveSeconds: reserveSeconds ?? defaultReserveSeconds(seconds) };
}
