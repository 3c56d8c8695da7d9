// `shardline run`: joins the parts of one run, and closes everything that it opens.

import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { type RunId, runId } from '../../shared/domain/ids.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { isGivenUp } from '../../shared/redis/retry-while-unavailable.ts';
import { safeUrl } from '../../shared/settings/redis-url.ts';
import type { RunSettings } from '../../shared/settings/settings.ts';
import { createClosingStack } from '../../shared/system/closing-stack.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { failureFields } from '../../shared/system/event-log.ts';
import { holdDirectory } from '../../shared/system/hold-directory.ts';
import { createLogger } from '../../shared/system/logger.ts';
import { readSelected } from '../../shared/system/selected.ts';
import { addressOf } from '../../shared/wire/run-spec.ts';
import { deadlineBeyondJob } from '../ci/limit.ts';
import type { Baseline } from '../core/result/compare.ts';
import { onlyFailures } from '../core/result/last-failures.ts';
import { deadlineTimes, defaultReserveSeconds } from '../core/state/deadline.ts';
import type { Deadline } from '../core/state/events.ts';
import { reduce } from '../core/state/reduce.ts';
import { openRun } from '../core/state/run-state.ts';
import { readBaseline } from '../record/baseline.ts';
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
import { endsWithin, type Setting } from './run-context.ts';
import { serveRun } from './serve-run.ts';

/** Resolves with the exit code. Throws a ShardlineError, or an AggregateError of several, if there is nothing to report on. */
export async function runCommand(settings: RunSettings, edge: Edge): Promise<number> {
  // The start of the process, because loading the program is part of the command's time.
  const startedAt = Math.round(performance.timeOrigin);
  const id = settings.resume === null ? newRunId(startedAt) : runId(settings.resume);
  const logger = createLogger({ level: settings.logLevel, file: settings.logFile, name: `run ${id}` });
  const out = settings.out ?? join(settings.workspace, '.shardline', 'runs', id);
  const requested = new AbortController();
  const forced = new AbortController();
  const onSignal = (name: string) => (): void => (requested.signal.aborted ? forced : requested).abort(name);
  const ignore = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => edge.onSignal(name, onSignal(name)));
  const judging = async () => ({
    targets: settings.targets,
    baseline: await baselineOf(settings, edge),
  });
  const interrupts: Interrupts = { requested: requested.signal, forced: forced.signal };
  try {
    const setting: Setting = { settings, edge, id, startedAt, resumes: () => 0, out, judgement: await judging(), logger };
    return await (settings.resume === null ? run(setting, interrupts) : resume(setting, interrupts));
  } catch (thrown) {
    const isTakenOver = thrown instanceof ShardlineError && thrown.code === 'taken-over';
    if (!requested.signal.aborted || isTakenOver) {
      const failure = isGivenUp(thrown) ? lostRedis(settings, thrown) : thrown;
      logger.error({ run: id, ...failureFields(failure) }, 'failed');
      throw failure;
    }
    // The error is the interruption itself. No work was enqueued, so there is nothing to report on.
    logger.info({ run: id, problem: String(thrown) }, 'interrupted before the run was open');
    edge.stderr.write(`shardline: interrupted by ${requested.signal.reason} before any test ran\n`);
    return 2;
  } finally {
    for (const stop of ignore) stop();
    logger.close();
  }
}

/** A run whose loop has begun ends with its results instead. */
function lostRedis({ redis, redisWaitSeconds: seconds }: RunSettings, cause: unknown): ShardlineError {
  const url = redis === null ? 'the socket of the run' : safeUrl(redis);
  return new ShardlineError('redis-unreachable', { url, problem: 'it was lost and did not come back', seconds }, { cause });
}

async function baselineOf({ baseline, failed }: RunSettings, { cwd }: Edge): Promise<Baseline | null> {
  if (baseline === null) return null;
  const read = await readBaseline(baseline, cwd);
  return failed ? onlyFailures(read) : read;
}

/** Loaded only on request: resuming needs Redis first, running needs pytest first. */
async function resume(setting: Setting, interrupts: Interrupts): Promise<number> {
  const { resumeRun } = await import('./resume-run.ts');
  return await resumeRun(setting, interrupts);
}

async function run(setting: Setting, interrupts: Interrupts): Promise<number> {
  const { settings, edge, startedAt } = setting;
  await using opened = createClosingStack();
  const paths = await pathsOf(setting);
  const pytestArgs = [...paths, ...settings.pytestArgs];
  await prepareOut(setting.out);
  opened.use(await holdDirectory(setting.out));
  const deadline = deadlineOf(settings);
  const beyond = deadline === null ? null : deadlineBeyondJob(edge.env, startedAt, deadline.seconds);
  if (beyond !== null) edge.stderr.write(`shardline: ${beyond}\n`);

  const known: Known = { suite: null, timings: new Map() };
  const tooLate = new AbortController();
  const ending = AbortSignal.any([interrupts.requested, tooLate.signal]);
  const preparing = prepareRun(setting, pytestArgs, deadline, known, opened, ending);
  const times = deadlineTimes({ startedAt, deadline });
  const isInTime = times === null || (await endsWithin(times.drainAt - Date.now(), preparing));
  const logPath = join(setting.out, 'events.ndjson');
  if (!isInTime && deadline !== null) {
    tooLate.abort();
    const log = openFileLog(logPath);
    const [opening, closing] = outOfTime(setting, paths, pytestArgs, deadline, known);
    const recorder = createRecorder(log, { address: addressOf(opening.spec), epoch: 0, seq: 0 });
    for (const event of [opening, closing]) recorder.add(event);
    recorder.flush();
    const state = openRun(opening);
    reduce(state, closing);
    const copies = [...copyFiles(settings.copies), operatorLog(setting.logger)];
    await replayRun(copies, [opening, closing]);
    const exitCode = await finishRun(setting, state, {
      store: null,
      log,
      combined: null,
      copies,
      isShutOut: null,
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
      recorder: createRecorder(log, { address: addressOf(opening.spec), epoch: redis.channel.epoch, seq: 0 }),
      copies: [...copyFiles(settings.copies), operatorLog(setting.logger)],
    },
    interrupts,
  );
}

/** The paths that pytest collects; empty for all that its configuration names. */
async function pathsOf({ settings, edge }: Setting): Promise<readonly string[]> {
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

/** Sorts by time, is unique without a server, and is safe in file names and keys. */
function newRunId(at: number): RunId {
  const [day = '', time = ''] = new Date(at).toISOString().split(/[T.]/);
  return runId(
    `${day.replaceAll('-', '')}-${time.replaceAll(':', '')}-${randomInt(36 ** 4)
      .toString(36)
      .padStart(4, '0')}`,
  );
}
