// `shardline run`: joins the parts of one run, and closes everything that it opens.

import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { type RunId, runId } from '../../shared/domain/ids.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { isGivenUp } from '../../shared/redis/retry-while-unavailable.ts';
import { safeUrl } from '../../shared/settings/redis-url.ts';
import type { RunSettings } from '../../shared/settings/settings.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { failureFields } from '../../shared/system/event-log.ts';
import { createLogger } from '../../shared/system/logger.ts';
import { followCancellation } from '../ci/cancellation.ts';
import type { Baseline } from '../core/result/compare.ts';
import { onlyFailures } from '../core/result/last-failures.ts';
import { readBaseline } from '../record/baseline.ts';
import type { Interrupts } from '../run-loop.ts';
import { originOf } from './preparation/origin-of.ts';
import { readTrust } from './preparation/run-trust.ts';
import type { Setting } from './run-context.ts';
import { startRun } from './start-run.ts';

/** Resolves with the exit code. Throws a ShardlineError, or an AggregateError of several, if there is nothing to report on. */
export async function runCommand(settings: RunSettings, edge: Edge): Promise<number> {
  // The start of the process, because loading the program is part of the command's time.
  const startedAt = Math.round(performance.timeOrigin);
  const id = settings.resume === null ? newRunId(startedAt) : runId(settings.resume);
  const logger = createLogger({ level: settings.logLevel, file: settings.logFile, format: settings.logFormat, name: `run ${id}` });
  const out = settings.out ?? join(settings.workspace, '.shardline', 'runs', id);
  const interrupts = followCancellation(edge);
  const judging = async () => ({
    targets: settings.targets,
    baseline: await baselineOf(settings, edge),
  });
  try {
    const origin = originOf(settings.workspace, edge);
    const setting: Setting = {
      settings,
      edge,
      id,
      startedAt,
      resumes: () => 0,
      out,
      origin,
      judgement: await judging(),
      logger,
      trust: await readTrust(settings, edge, false),
      jobs: null,
    };
    return await (settings.resume === null ? startRun(setting, interrupts) : resume(setting, interrupts));
  } catch (thrown) {
    const isTakenOver = thrown instanceof ShardlineError && thrown.code === 'taken-over';
    if (!interrupts.requested.aborted || isTakenOver) {
      const failure = isGivenUp(thrown) ? lostRedis(settings, thrown) : thrown;
      logger.error({ run: id, ...failureFields(failure) }, 'failed');
      throw failure;
    }
    // The error is the interruption itself. No work was enqueued, so there is nothing to report on.
    logger.info({ run: id, problem: String(thrown) }, 'interrupted before the run was open');
    edge.stderr.write(`shardline: interrupted by ${interrupts.requested.reason} before any test ran\n`);
    return 2;
  } finally {
    interrupts.stop();
    logger.close();
  }
}

/** A run whose loop has begun ends with its results instead. */
function lostRedis({ redis, redisWaitSeconds: seconds }: RunSettings, cause: unknown): ShardlineError {
  const url = redis === null ? 'the socket of the run' : safeUrl(redis);
  return new ShardlineError(
    'redis-unreachable',
    { url, problem: `lost the connection and could not reconnect (after ${seconds} s)` },
    { cause },
  );
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

/** Sorts by time, is unique without a server, and is safe in file names and keys. */
function newRunId(at: number): RunId {
  const [day = '', time = ''] = new Date(at).toISOString().split(/[T.]/);
  return runId(
    `${day.replaceAll('-', '')}-${time.replaceAll(':', '')}-${randomInt(36 ** 4)
      .toString(36)
      .padStart(4, '0')}`,
  );
}
