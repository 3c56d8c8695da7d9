// `shardline run --resume`: takes over a run whose coordinator died, from its journal, and ends it as if nothing had happened.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunId } from '../../shared/domain/ids.ts';
import type { SuiteList } from '../../shared/domain/suite-list.ts';
import { reasonOf, ShardlineError } from '../../shared/errors.ts';
import { decodeReport } from '../../shared/wire/report.ts';
import { FIXED_SECONDS } from '../core/plan/plan.ts';
import { planSuite } from '../core/plan/plan-suite.ts';
import type { CoordinatorEvent, SuitePlan } from '../core/state/events.ts';
import { type Recorded, replay } from '../core/state/replay.ts';
import type { Pools, RunChannel } from '../ports.ts';
import { openJournal, readJournal } from '../record/journal.ts';
import { copyFiles } from '../reporters/files/report-files.ts';
import { operatorLog } from '../reporters/operator-log.ts';
import { type Reporter, replayRun } from '../reporters/reporter.ts';
import type { Interrupts } from '../run-loop.ts';
import { openRedis } from './bring-up.ts';
import { finishRun } from './finish-run.ts';
import type { KnownCensus } from './prepare-run.ts';
import { type Setting, within } from './run-context.ts';
import { serveRun } from './serve-run.ts';

/**
 * Rebuilds the state from the journal; events that agents sent later are still on the run's stream in Redis. If the run had its own Redis,
 * that ended with its coordinator, and all work that the journal does not show as finished runs again. Throws `nothing-to-resume`.
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
  const observed = (events: readonly CoordinatorEvent[]): readonly Reporter[] => {
    const copies = copyFiles(given.settings.copies);
    replayRun(copies, events);
    return copies;
  };
  let found = await read();
  const { opening } = found.recorded;
  if (opening.spec.runId !== given.id) throw refused(`${path} belongs to run ${opening.spec.runId}`);
  const settings = { ...given.settings, pool: opening.spec.pool, deadlineSeconds: opening.deadline?.seconds ?? null };
  const setting: Setting = { ...given, settings, startedAt: opening.startedAt, resumes: found.recorded.resumes + 1 };
  // The run has closed, and its coordinator may have died while it wrote the last outputs.
  const { state } = found.recorded;
  if (state.closed !== null && (await isReported(given.id, join(given.out, 'report.json')))) {
    return await finishRun(setting, state, { store: null, journal: null, combined: null, copies: observed(found.events), isShutOut: null });
  }
  const announce = (pools: Pools): Promise<RunChannel> =>
    pools.openRun(opening.spec, async () => {
      // The previous coordinator may have recorded more events until it lost the run. The attempts that it enqueued by then must not be
      // enqueued again under the same name.
      found = await read();
      return [...found.recorded.state.attempts.keys()];
    });
  const redis = await openRedis(setting, opened, announce, interrupts.requested);
  // If two commands resume the run at once, the last to begin owns it, and its journal must be the one that stays. Nothing may happen
  // between this line and the opening of the journal.
  await within(settings.redisWaitSeconds * 1000, redis.channel.confirm());
  const planList = (list: SuiteList, first: number): SuitePlan => {
    const slots = [...found.recorded.state.agents.values()].reduce((sum, { info }) => sum + (info?.workers ?? 0), 0);
    const { affinity } = opening;
    const planning = {
      timings: redis.store.old,
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
      copies: [...observed(found.events), operatorLog(setting.logger)],
    },
    interrupts,
  );
}

/** A resumed run knows nothing of its suite's files but what its journal has. */
const NO_CENSUS: KnownCensus = { key: '', old: null, contents: new Map() };

/** True if this folder has the report of this run. It may still have the report of another run. */
const isReported = (id: RunId, path: string): Promise<boolean> =>
  readFile(path, 'utf8').then(
    (text) => decodeReport(text, path).runId === id,
    () => false,
  );
