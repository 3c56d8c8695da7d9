// `shardline run --resume`: takes over a run whose coordinator died, from its log, and ends it as if nothing had happened.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RunId } from '../../shared/domain/ids.ts';
import type { Report } from '../../shared/domain/report.ts';
import type { SuiteList } from '../../shared/domain/suite/suite-list.ts';
import type { Timings } from '../../shared/domain/suite/timings.ts';
import { createClosingStack } from '../../shared/system/closing-stack.ts';
import { holdDirectory } from '../../shared/system/files/hold-directory.ts';
import { removeEmpty } from '../../shared/system/files/make-directory.ts';
import { addressOf } from '../../shared/wire/run-spec.ts';
import { announcedSpec } from '../core/decide/restart.ts';
import { FIXED_SECONDS } from '../core/plan/plan.ts';
import { planSuite } from '../core/plan/plan-suite.ts';
import type { SuitePlan } from '../core/state/events.ts';
import type { TakeOver } from '../ports.ts';
import { createFileLog, readFileLog } from '../record/file-log.ts';
import { createRecorder } from '../record/recorder.ts';
import { readReport } from '../record/report-file.ts';
import { operatorLog } from '../reporters/operator-log.ts';
import type { Interrupts } from '../run-loop.ts';
import { openRedis } from './bring-up.ts';
import { finishRun } from './finish-run.ts';
import type { KnownCensus } from './prepare-run.ts';
import { endOf, type Setting, within } from './run-context.ts';
import { serveRun } from './serve-run.ts';
import { type Found, fileOnly, missingRecords, newestLog, readFound, readNewest, readPicked, refused } from './serving/found-run.ts';

/**
 * Rebuilds the state from the log: from its file, or from Redis if the file is on another machine or ends earlier. Events that agents sent
 * later are still on the run's stream in Redis. If the run had its own Redis, that ended with its coordinator, and all work that the log
 * does not show as finished runs again. Throws `nothing-to-resume`, and `run-is-served` or `out-in-use` if the run's coordinator is alive.
 */
export async function resumeRun(given: Setting, interrupts: Interrupts): Promise<number> {
  await using opened = createClosingStack();
  if (!existsSync(given.out)) opened.defer(() => removeEmpty(given.out));
  const path = join(given.out, 'events.ndjson');
  const there = existsSync(path) ? await readFound(given, readFileLog(path)) : null;
  const isForeign = there !== null && runOf(there) !== given.id;
  if (isForeign && given.jobs === null) throw refused(given, `${path} belongs to run ${runOf(there)}`);
  // The directory of a CI job may have the log of another run, such as the one before a retry.
  const file = isForeign ? null : there;
  // A run that its coordinator closed is deleted from Redis, except when the coordinator had lost Redis. Then it may have been continued.
  const isComplete = file !== null && !file.state.redisLost && (await reportOf(given, file)) !== null;
  const found = isComplete ? file : await readNewest(given, path, file, endOf(interrupts));
  let latest = found;
  const { opening } = found;
  const settings = { ...given.settings, pool: opening.spec.pool, deadlineSeconds: opening.deadline?.seconds ?? null };
  const setting: Setting = { ...given, settings, startedAt: opening.startedAt, resumes: () => latest.resumes + 1 };
  // The run has closed, and its coordinator may have died while it wrote the last outputs.
  const reported = await reportOf(given, found);
  if (reported !== null) return await reportAgain(setting, found, reported);
  // A coordinator with a Redis of its own is alive as long as its process exists: no other Redis knows its lease.
  if (settings.redis === null) opened.use(await holdDirectory(given.out));
  const log = createFileLog(path);
  opened.defer(() => log.discard());
  const spec = announcedSpec(opening);
  const takeOver: TakeOver = {
    async earlier(shared) {
      // The previous coordinator may have recorded more until it lost the run. The attempts that it enqueued by then must not be enqueued
      // again under the same name.
      const picked = shared === null ? fileOnly(path) : await newestLog(path, shared, found.last);
      if (picked === null) throw refused(given, 'its coordinator has ended it, or Redis has lost its log');
      latest = await readPicked(given, picked, [log, await missingRecords(shared)]);
      if (announcedSpec(latest.opening).runId !== spec.runId) throw refused(given, 'its coordinator restarted it just now; try again');
      return { attempts: [...latest.state.attempts.values()], keys: latest.keys };
    },
    onWait({ host, pid }, upToSeconds) {
      given.edge.stderr.write(
        `shardline: waiting for the coordinator ${host} (pid ${pid}) of run ${given.id} to stop answering, up to ${upToSeconds} s\n`,
      );
    },
    signal: endOf(interrupts),
    isKnownGone: given.jobs !== null,
  };
  const redis = await openRedis(setting, opened, (pools) => pools.openRun(spec, takeOver), endOf(interrupts));
  // The coordinator that this command waited for may have ended the run.
  const ended = await reportOf(given, latest);
  if (ended !== null) return await reportAgain(setting, latest, ended);
  // If this command was frozen, another one may have taken the run over, and that one's log must stay. Nothing may happen between this line
  // and the publication of the log.
  await within(settings.redisWaitSeconds * 1000, redis.channel.confirm());
  log.publish();
  const { state, seq } = latest;
  const copies = [...latest.copies, operatorLog(setting.logger)];
  const recorder = createRecorder(log, { address: addressOf(spec), epoch: redis.channel.epoch, seq, signer: setting.trust.signer });
  const planning = planner(latest, redis.store.old);
  return await serveRun(
    setting,
    { state, recorded: latest, planSuite: planning, census: NO_CENSUS, redis, log, recorder, copies },
    interrupts,
  );
}

const runOf = ({ opening }: Found): RunId => opening.spec.runId;

/** Writes the copies and prints the result of a run that has ended. What earlier runs have shown is not in its log, only in its report. */
const reportAgain = (setting: Setting, { state, copies }: Found, { history }: Report): Promise<number> =>
  finishRun(setting, state, { store: null, history, log: null, combined: null, copies, isShutOut: null, notes: null });

/** Plans the shards of a whole list for the agents that the run had. */
function planner({ state, opening: { affinity, part } }: Found, timings: Timings): (list: SuiteList, first: number) => SuitePlan {
  return (list, first) => {
    const slots = [...state.agents.values()].reduce((sum, { info }) => sum + (info?.workers ?? 0), 0);
    const planning = { timings, affinity, slots: Math.max(1, slots), fixedSeconds: FIXED_SECONDS, thresholdSeconds: null, part };
    return { shards: planSuite(list, planning, first), failureChances: {} };
  };
}

/** A resumed run knows nothing of its suite's files but what its log has. */
const NO_CENSUS: KnownCensus = { key: '', old: null, contents: new Map() };

/** The report of a run that is closed; null if this folder has none, or still has that of another run. */
async function reportOf({ id, out }: Setting, { state }: Found): Promise<Report | null> {
  if (state.closed === null) return null;
  return await readReport(join(out, 'report.json')).then(
    (report) => (report.runId === id ? report : null),
    () => null,
  );
}
