// `shardline run --resume`: takes over a run whose coordinator died, from its log, and ends it as if nothing had happened.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RunId } from '../../shared/domain/ids.ts';
import type { SuiteList } from '../../shared/domain/suite-list.ts';
import type { Timings } from '../../shared/domain/timings.ts';
import { reasonOf, ShardlineError } from '../../shared/errors.ts';
import { connect } from '../../shared/redis/connect.ts';
import { runKeys } from '../../shared/redis/keys.ts';
import { patiently } from '../../shared/redis/retry-while-unavailable.ts';
import type { LogRecord } from '../../shared/wire/run-log.ts';
import { addressOf } from '../../shared/wire/run-spec.ts';
import { announcedAgain, restartedId } from '../core/decide/restart.ts';
import { FIXED_SECONDS } from '../core/plan/plan.ts';
import { planSuite } from '../core/plan/plan-suite.ts';
import type { SuitePlan } from '../core/state/events.ts';
import type { Pools, RunChannel, RunLog, SharedLog } from '../ports.ts';
import { createFileLog, readFileLog } from '../record/file-log.ts';
import { createRecorder } from '../record/recorder.ts';
import { type ReplayedLog, type ReplayObserver, replayLog } from '../record/replay-log.ts';
import { readReport } from '../record/report-file.ts';
import { readSharedLog } from '../redis/shared-log.ts';
import { copyFiles, prepareOut } from '../reporters/files/report-files.ts';
import type { Reporter } from '../reporters/reporter.ts';
import type { Interrupts } from '../run-loop.ts';
import { openRedis } from './bring-up.ts';
import { finishRun } from './finish-run.ts';
import type { KnownCensus } from './prepare-run.ts';
import { type Setting, within } from './run-context.ts';
import { serveRun } from './serve-run.ts';

/** A run as its log shows it. */
interface Found extends ReplayedLog {
  /** Write the copies that the user requested. They have observed what happened so far. */
  readonly copies: readonly Reporter[];
}

/**
 * Rebuilds the state from the log: from its file, or from Redis if the file is on another machine. Events that agents sent later are still
 * on the run's stream in Redis. If the run had its own Redis, that ended with its coordinator, and all work that the log does not show as
 * finished runs again. Throws `nothing-to-resume`.
 */
export async function resumeRun(given: Setting, interrupts: Interrupts): Promise<number> {
  await using opened = new AsyncDisposableStack();
  const path = join(given.out, 'events.ndjson');
  const isHere = existsSync(path);
  const found = isHere ? await readFound(given, readFileLog(path)) : await readElsewhere(given, interrupts.requested);
  const { opening, state } = found;
  if (opening.spec.runId !== given.id) throw refused(given, `${path} belongs to run ${opening.spec.runId}`);
  const settings = { ...given.settings, pool: opening.spec.pool, deadlineSeconds: opening.deadline?.seconds ?? null };
  const setting: Setting = { ...given, settings, startedAt: opening.startedAt, resumes: found.resumes + 1 };
  // The run has closed, and its coordinator may have died while it wrote the last outputs.
  if (state.closed !== null && (await isReported(given.id, join(given.out, 'report.json')))) {
    return await finishRun(setting, state, { store: null, log: null, combined: null, copies: found.copies, isShutOut: null });
  }
  const log = createFileLog(path);
  opened.defer(() => log.discard());
  let latest = found;
  const spec = opening.restarted === null ? opening.spec : announcedAgain(opening.spec);
  const announce = (pools: Pools): Promise<RunChannel> =>
    pools.openRun(spec, async (shared) => {
      // The previous coordinator may have recorded more until it lost the run. The attempts that it enqueued by then must not be enqueued
      // again under the same name.
      const from = isHere || shared === null ? readFileLog(path) : shared.read();
      latest = await readFound(given, copying(from, [log, await missingRecords(shared)]));
      return [...latest.state.attempts.keys()];
    });
  const redis = await openRedis(setting, opened, announce, interrupts.requested);
  // If two commands resume the run at once, the last to begin owns it, and its log must be the one that stays. Nothing may happen between
  // this line and the publication of the log.
  await within(settings.redisWaitSeconds * 1000, redis.channel.confirm());
  log.publish();
  const { state: begun, copies, seq } = latest;
  const recorder = createRecorder(log, { address: addressOf(spec), epoch: redis.channel.epoch, seq });
  const planning = planner(latest, redis.store.old);
  return await serveRun(
    setting,
    { state: begun, recorded: latest, planSuite: planning, census: NO_CENSUS, redis, log, recorder, copies },
    interrupts,
  );
}

const refused = ({ id, out }: Setting, problem: string): ShardlineError =>
  new ShardlineError('nothing-to-resume', { runId: id, problem, path: out });

/** Replays a log. */
async function readFound(setting: Setting, records: AsyncIterable<LogRecord>): Promise<Found> {
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
async function readElsewhere(setting: Setting, signal: AbortSignal): Promise<Found> {
  const { settings, id, out } = setting;
  if (settings.redis === null) throw refused(setting, 'there is no events.ndjson, and no Redis is named');
  await prepareOut(out);
  const redis = await connect(settings.redis, `shardline:run:${id}`, { patienceMs: settings.redisWaitSeconds * 1000, signal });
  try {
    // The log of a run that restarted is under its second id.
    for (const run of [id, restartedId(id)]) {
      if ((await patiently(() => redis.exists(runKeys(run).log))) === 1) return await readFound(setting, readSharedLog(redis, run));
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
async function missingRecords(shared: SharedLog | null): Promise<Pick<RunLog, 'append'>> {
  const last = (await shared?.last()) ?? 0;
  return {
    async append(records) {
      // A log that Redis has lost is not begun again: its batches are lost too.
      if (last > 0) await shared?.append(records.filter(({ seq }) => seq > last));
    },
  };
}

/** Plans the shards of a whole list for the agents that the run had. */
function planner({ state, opening: { affinity } }: Found, timings: Timings): (list: SuiteList, first: number) => SuitePlan {
  return (list, first) => {
    const slots = [...state.agents.values()].reduce((sum, { info }) => sum + (info?.workers ?? 0), 0);
    const planning = { timings, affinity, slots: Math.max(1, slots), fixedSeconds: FIXED_SECONDS, thresholdSeconds: null };
    return { shards: planSuite(list, planning, first), failureChances: {} };
  };
}

/** A resumed run knows nothing of its suite's files but what its log has. */
const NO_CENSUS: KnownCensus = { key: '', old: null, contents: new Map() };

/** True if this folder has the report of this run. It may still have the report of another run. */
const isReported = (id: RunId, path: string): Promise<boolean> =>
  readReport(path).then(
    ({ runId }) => runId === id,
    () => false,
  );
