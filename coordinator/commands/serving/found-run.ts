// Reads the log of a run that is to be resumed, from its file or from Redis, and copies it.
//
// The log to resume from is the file, unless Redis has records that the file lacks. Then another coordinator has continued the run on
// another machine, and the file ends where the earlier one died. Record numbers do not show that, because a coordinator that was cut off
// from Redis keeps writing to its file. The file is complete if it has the last record of the log in Redis.

import { existsSync } from 'node:fs';
import { reasonOf, ShardlineError } from '../../../shared/errors.ts';
import { connect } from '../../../shared/redis/connect.ts';
import { decodeEnvelope } from '../../../shared/wire/envelope.ts';
import type { LogRecord } from '../../../shared/wire/run-log.ts';
import { NO_VERIFIER, type Verifier } from '../../../shared/wire/signature.ts';
import { instant } from '../../../shared/wire/trust/certificate.ts';
import { announcedSpec, restartedId } from '../../core/decide/restart.ts';
import type { RunLog, SharedLog } from '../../ports.ts';
import { readFileLog } from '../../record/file-log.ts';
import { type ReplayedLog, type ReplayObserver, replayLog } from '../../record/replay-log.ts';
import { readableLog } from '../../redis/shared-log.ts';
import { copyFiles, prepareOut } from '../../reporters/files/report-files.ts';
import type { Reporter } from '../../reporters/reporter.ts';
import { placesOf, type Setting } from '../run-context.ts';
import { refuseForeignLog } from './foreign-log.ts';

/** A run as its log shows it. */
export interface Found extends ReplayedLog {
  /** Write the copies that the user requested. They have observed what happened so far. */
  readonly copies: readonly Reporter[];
  /** The coordinator's text of the last record. */
  readonly last: string;
}

/** A log as `newestLog` picks it. */
interface Picked {
  readonly from: 'file' | 'redis';
  readonly records: AsyncIterable<LogRecord>;
}

export const refused = ({ id, out }: Setting, problem: string): ShardlineError =>
  new ShardlineError('nothing-to-resume', { runId: id, problem, path: out });

/** Replays a log. `verifier` decides whose records count. */
export async function readFound(setting: Setting, records: AsyncIterable<LogRecord>, verifier: Verifier = NO_VERIFIER): Promise<Found> {
  const copies = copyFiles(setting.settings.copies, placesOf(setting));
  const observe: ReplayObserver = (event, state, changes) => {
    for (const copy of copies) copy.observe?.(event, state, changes);
  };
  let last = '';
  const noting = async function* (): AsyncGenerator<LogRecord> {
    for await (const record of records) {
      last = record.own;
      yield record;
    }
  };
  const replayed = await replayLog(noting(), `the log of run ${setting.id}`, observe, verifier).catch((thrown: unknown): never => {
    throw thrown instanceof ShardlineError ? thrown : refused(setting, reasonOf(thrown));
  });
  if (replayed === null) throw refused(setting, 'its log does not begin with the start of a run');
  return { ...replayed, copies, last };
}

/**
 * Picks the log to resume from. If Redis has no log, that is the file, but only if it has the record `known`: else the run was continued
 * after that record, and what followed is lost here. null if neither log can be used.
 */
export async function newestLog(path: string, shared: Pick<SharedLog, 'read' | 'last'>, known: string | null): Promise<Picked | null> {
  const end = await shared.last();
  const last = end?.own ?? known;
  if (last !== null && existsSync(path) && (await hasRecord(path, last))) return fileOnly(path);
  return end === null ? null : { from: 'redis', records: shared.read() };
}

export const fileOnly = (path: string): Picked => ({ from: 'file', records: readFileLog(path) });

async function hasRecord(path: string, own: string): Promise<boolean> {
  for await (const record of readFileLog(path)) if (record.own === own) return true;
  return false;
}

/** Replays the log in Redis, unless the file at `path`, replayed as `file`, is complete. `file` is null if it is on another machine. */
export async function readNewest(setting: Setting, path: string, file: Found | null, signal: AbortSignal): Promise<Found> {
  const { settings, id, out } = setting;
  if (settings.redis === null) {
    if (file !== null) return file;
    throw refused(setting, 'there is no events.ndjson, and no Redis is named');
  }
  await prepareOut(out);
  const waitMs = settings.redisWaitSeconds * 1000;
  const redis = await connect(settings.redis, `shardline:run:${id}`, {
    tls: settings.redisTls,
    patienceMs: waitMs,
    brokenMs: waitMs,
    signal,
  });
  try {
    // A run that restarted has its log under its second id.
    for (const run of [restartedId(id), id]) {
      const picked = await newestLog(path, readableLog(redis, run), null);
      if (picked !== null) return picked.from === 'file' && file !== null ? file : await readPicked(setting, picked);
    }
  } finally {
    redis.disconnect();
  }
  if (file !== null) return file;
  throw refused(setting, 'there is no events.ndjson, and Redis has no complete log of it');
}

/** Replays the picked log, and appends its records to `logs`. */
export async function readPicked(
  setting: Setting,
  { from, records }: Picked,
  logs: readonly Pick<RunLog, 'append'>[] = [],
): Promise<Found> {
  // Others can write to Redis, and only this user to the file.
  const verifier = from === 'redis' ? setting.trust.verifier : NO_VERIFIER;
  const found = await readFound(setting, copying(records, logs), verifier).catch((thrown: unknown): never => {
    const isDamaged = from === 'redis' && thrown instanceof ShardlineError && thrown.code === 'bad-message';
    throw isDamaged ? refused(setting, `its log in Redis is damaged: ${thrown.values.problem}`) : thrown;
  });
  // A signature proves whose record it is, not that somebody has put it in its place.
  const { spec } = found.opening;
  const runs = [spec.runId, announcedSpec(found.opening).runId];
  if (spec.runId !== setting.id || !runs.includes(decodeEnvelope(found.last, `the log of run ${setting.id}`).run))
    throw refused(setting, `its log in Redis is that of run ${spec.runId}`);
  if (from === 'redis') refuseOldLog(setting, found);
  // A run that restarted has opened twice.
  if (from === 'redis') for (const opening of [found.opening, found.state.opened]) await refuseForeignLog(setting, opening);
  return found;
}

/** A signature does not prove that a log is of this run and not of an earlier one of the same name. Throws `old-log`. */
function refuseOldLog({ id, jobs, trust }: Setting, { state }: Found): void {
  const endsAfter = jobs?.endsAfter ?? null;
  if (!trust.verifier.isStrict || endsAfter === null || state.coordinatorAt >= endsAfter) return;
  throw new ShardlineError('old-log', { runId: id, at: instant(state.coordinatorAt) });
}

/** Records that are copied in one write. */
const COPIED = 100;

/** Yields the records, and appends them to the logs. */
async function* copying(records: AsyncIterable<LogRecord>, logs: readonly Pick<RunLog, 'append'>[]): AsyncGenerator<LogRecord> {
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
  const last = (await shared?.last())?.seq ?? 0;
  return {
    async append(records) {
      // A log that Redis has lost is not begun again: its batches are lost too.
      if (last > 0) await shared?.append(records.filter(({ seq }) => seq > last));
    },
  };
}
