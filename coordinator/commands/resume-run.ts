// `shardline run --resume`: takes over a run whose coordinator died, from what it recorded, and ends it as if nothing had happened.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunId } from '../../shared/domain/ids.ts';
import type { SuiteList } from '../../shared/domain/suite-list.ts';
import { reasonOf, ShardlineError } from '../../shared/errors.ts';
import { decodeReport } from '../../shared/wire/report.ts';
import { FIXED_SECONDS } from '../core/plan/plan.ts';
import { planSuite } from '../core/plan/plan-suite.ts';
import type { CoordinatorEvent } from '../core/state/events.ts';
import { type Recorded, replay } from '../core/state/replay.ts';
import type { Pools, RunChannel } from '../ports.ts';
import { openJournal, readJournal } from '../record/journal.ts';
import type { Interrupts, SuitePlan } from '../run-loop.ts';
import { openRedis } from './bring-up.ts';
import { finishRun } from './finish-run.ts';
import type { KnownCensus } from './prepare-run.ts';
import { type Setting, within } from './run-context.ts';
import { serveRun } from './serve-run.ts';

/**
 * What is recorded is the state; what agents told after that is still on the run's stream in Redis. Where Redis was the run's own it went with its
 * coordinator: then what is not finished by the record is run again. Throws `nothing-to-resume`.
 */
export async function resumeRun(given: Setting, interrupts: Interrupts): Promise<number> {
  await using opened = new AsyncDisposableStack();
  const path = join(given.out, 'events.ndjson');
  const refused = (problem: string): ShardlineError =>
    new ShardlineError('nothing-to-resume', { runId: given.id, problem, path: given.out });
  const read = async (): Promise<{ readonly events: readonly CoordinatorEvent[]; readonly recorded: Recorded }> => {
    const events = await readJournal(path).catch((thrown: unknown): readonly CoordinatorEvent[] => {
      throw thrown instanceof ShardlineError ? thrown : refused(reasonOf(thrown));
    });
    const recorded = replay(events);
    if (recorded === null) throw refused(`the first event of ${path} is not the start of a run`);
    return { events, recorded };
  };
  let found = await read();
  const { opening } = found.recorded;
  if (opening.spec.runId !== given.id) throw refused(`${path} belongs to run ${opening.spec.runId}`);
  const settings = { ...given.settings, pool: opening.spec.pool, deadlineSeconds: opening.deadline?.seconds ?? null };
  const setting: Setting = { ...given, settings, startedAt: opening.startedAt, resumes: found.recorded.resumes + 1 };
  // It has ended, and may have died over its last outputs.
  const { state } = found.recorded;
  if (state.closed !== null && (await isReported(given.id, join(given.out, 'report.json')))) {
    return await finishRun(setting, state, { store: null, journal: null, combined: null, isShutOut: null });
  }
  const announce = (pools: Pools): Promise<RunChannel> =>
    pools.openRun(opening.spec, async () => {
      // Whoever had the run may have gone on recording until it lost it: what it enqueued until then must not be enqueued again under the same name.
      found = await read();
      return [...found.recorded.state.attempts.keys()];
    });
  const redis = await openRedis(setting, opened, announce, interrupts.requested);
  // Of two that resume it at once the last to begin has the run, and its journal must be the one that stays: nothing comes between this and that.
  await within(settings.redisWaitSeconds * 1000, redis.channel.confirm());
  const planList = (list: SuiteList, first: number): SuitePlan => {
    const slots = [...found.recorded.state.agents.values()].reduce((sum, { info }) => sum + (info?.workers ?? 0), 0);
    const { affinity } = opening;
    const planning = {
      timings: redis.store.old.files,
      affinity,
      slots: Math.max(1, slots),
      fixedSeconds: FIXED_SECONDS,
      thresholdSeconds: null,
    };
    return { shards: planSuite(list, planning, first), failureChances: {} };
  };
  return await serveRun(
    setting,
    {
      state: found.recorded.state,
      recorded: found.recorded,
      planSuite: planList,
      census: NO_CENSUS,
      redis,
      journal: openJournal(path, found.events),
    },
    interrupts,
  );
}

/** A run that is resumed knows nothing of its suite's files but what it recorded. */
const NO_CENSUS: KnownCensus = { key: '', old: null, contents: new Map() };

/** Does the report of this run stand there? A folder may still hold the report of another. */
const isReported = (id: RunId, path: string): Promise<boolean> =>
  readFile(path, 'utf8').then(
    (text) => decodeReport(text, path).runId === id,
    () => false,
  );
