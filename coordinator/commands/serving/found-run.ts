// Reads the log of a run that is to be resumed, from its file or from Redis, and copies it.

import { reasonOf, ShardlineError } from '../../../shared/errors.ts';
import { connect } from '../../../shared/redis/connect.ts';
import { runKeys } from '../../../shared/redis/keys.ts';
import { retryWhileUnavailable } from '../../../shared/redis/retry-while-unavailable.ts';
import type { LogRecord } from '../../../shared/wire/run-log.ts';
import { restartedId } from '../../core/decide/restart.ts';
import type { RunLog, SharedLog } from '../../ports.ts';
import { type ReplayedLog, type ReplayObserver, replayLog } from '../../record/replay-log.ts';
import { readSharedLog } from '../../redis/shared-log.ts';
import { copyFiles, prepareOut } from '../../reporters/files/report-files.ts';
import type { Reporter } from '../../reporters/reporter.ts';
import type { Setting } from '../run-context.ts';

/** A run as its log shows it. */
export interface Found extends ReplayedLog {
  /** Write the copies that the user requested. They have observed what happened so far. */
  readonly copies: readonly Reporter[];
}

export const refused = ({ id, out }: Setting, problem: string): ShardlineError =>
  new ShardlineError('nothing-to-resume', { runId: id, problem, path: out });

/** Replays a log. */
export async function readFound(setting: Setting, records: AsyncIterable<LogRecord>): Promise<Found> {
  const copies = copyFiles(setting.settings.copies);
  const observe: ReplayObserver = (event, state, changes) => {
    for (const copy of copies) copy.observe?.(event, state, changes);
  };
  const replayed = await replayLog(records, `the log of run ${setting.id}`, observe).catch((thrown: unknown): never => {
    throw thrown instanceof ShardlineError ? thrown : refused(setting, reasonOf(thrown));
  });
  if (replayed === null) throw refused(setting, 'its log does not begin with the start of a run');
  return { ...replayed, copies };
}

/** Replays the log in Redis: the file is on the machine of the earlier coordinator. */
export async function readElsewhere(setting: Setting, signal: AbortSignal): Promise<Found> {
  const { settings, id, out } = setting;
  if (settings.redis === null) throw refused(setting, 'there is no events.ndjson, and no Redis is named');
  await prepareOut(out);
  const waitMs = settings.redisWaitSeconds * 1000;
  const redis = await connect(settings.redis, `shardline:run:${id}`, { patienceMs: waitMs, brokenMs: waitMs, signal });
  try {
    // A run that restarted has its log under its second id.
    for (const run of [id, restartedId(id)]) {
      if ((await retryWhileUnavailable(() => redis.exists(runKeys(run).log))) === 1)
        return await readFound(setting, readSharedLog(redis, run));
    }
  } catch (thrown) {
    const isDamaged = thrown instanceof ShardlineError && thrown.code === 'bad-message';
    throw isDamaged ? refused(setting, `its log in Redis is damaged: ${thrown.values.problem}`) : thrown;
  } finally {
    redis.disconnect();
  }
  throw refused(setting, 'there is no events.ndjson, and Redis has no complete log of it');
}

/** Records that are copied in one write. */
const COPIED = 100;

/** Yields the records, and appends them to the logs. */
export async function* copying(records: AsyncIterable<LogRecord>, logs: readonly Pick<RunLog, 'append'>[]): AsyncGenerator<LogRecord> {
  let chunk: LogRecord[] = [];
  const copy = async (): Promise<void> => {
    for (const log of logs) await log.append(chunk);
    chunk = [];
  };
  for await (const record of records) {
    chunk.push(record);
    if (chunk.length === COPIED) await copy();
    yield record;
  }
  await copy();
}

/** Takes those records that the log in Redis lacks: the earlier coordinator died after it wrote them to the file. */
export async function missingRecords(shared: SharedLog | null): Promise<Pick<RunLog, 'append'>> {
  const last = (await shared?.last()) ?? 0;
  return {
    async append(records) {
      // A log that Redis has lost is not begun again: its batches are lost too.
      if (last > 0) await shared?.append(records.filter(({ seq }) => seq > last));
    },
  };
}
