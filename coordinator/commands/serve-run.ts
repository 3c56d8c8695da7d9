// Takes an open run to its exit code: the loop, and the report.

import { join } from 'node:path';
import type { Census } from '../../shared/domain/census.ts';
import { messageOf, ShardlineError } from '../../shared/errors.ts';
import { systemClock } from '../../shared/system/clock.ts';
import { takesColor, takesScreen } from '../../shared/system/terminal.ts';
import { oneLine, plural } from '../../shared/text/safe-text.ts';
import { shellCommand } from '../../shared/text/shell-quote.ts';
import { announcedSpec, restartOf } from '../core/decide/restart.ts';
import { takeCensus } from '../core/learn/take-census.ts';
import type { Change } from '../core/state/changes.ts';
import type { CoordinatorEvent, OwnEvent, RunOpened } from '../core/state/events.ts';
import { reduce } from '../core/state/reduce.ts';
import type { Recorded } from '../core/state/replay.ts';
import type { RunState } from '../core/state/run-state.ts';
import type { Recorder, RunLog } from '../ports.ts';
import { recordedRun } from '../record/file-log.ts';
import { createRecorder, type SequencedRecorder } from '../record/recorder.ts';
import { openProgress } from '../reporters/progress/progress.ts';
import type { Reporter } from '../reporters/reporter.ts';
import { type Interrupts, type RunLoop, runLoop } from '../run-loop.ts';
import type { OpenRedis } from './bring-up.ts';
import { combineRun } from './combine-run.ts';
import { coverageFiles } from './coverage-files.ts';
import { finishRun } from './finish-run.ts';
import type { KnownCensus } from './prepare-run.ts';
import { closeMs, holdRun, type Setting, within } from './run-context.ts';

/** In the run's output directory until the data is combined. */
const COVERAGE_DIRECTORY = '.coverage-data';
/** How long a finished run waits for coverage data files in transit. Its agents have sent all of them by then. */
const TAKE_COVERAGE_MS = 60_000;

export interface OpenedRun {
  readonly state: RunState;
  readonly recorded: Recorded | null;
  readonly planSuite: RunLoop['planSuite'];
  readonly census: KnownCensus;
  readonly redis: OpenRedis;
  readonly log: RunLog;
  readonly recorder: SequencedRecorder;
  /** Write the copies that the user requested. They have observed what happened so far. */
  readonly copies: readonly Reporter[];
}

/** Resolves with the exit code once the report is written. Throws `taken-over`, in which case it has written none. */
export async function serveRun(setting: Setting, run: OpenedRun, interrupts: Interrupts): Promise<number> {
  const { state: begun, recorded, planSuite, redis, log, recorder, copies } = run;
  const { settings, edge, id } = setting;
  const { channel, aheadMs } = redis;
  const out = edge.stderr;
  const coverage = coverageFiles(join(setting.out, COVERAGE_DIRECTORY), channel);
  for (const kept of begun.coverage.kept) coverage.take(kept);
  const [color, screen] = [takesColor(out, edge.env), takesScreen(out, edge.env)];
  const progress = await openProgress({ out, verbosity: settings.verbosity, color, screen, clock: systemClock });
  redis.agents.local.speak((line) => progress.say(line));
  // If Redis is gone, or was the run's own, only the log shows that another command has resumed the run. Then this throws `taken-over`.
  // Another run may also have begun in the same directory unnoticed. Then this run ends as usual but writes nothing there.
  const claim = (): ShardlineError | null => {
    if (log.isOurs()) return null;
    const other = recordedRun(join(setting.out, 'events.ndjson'));
    if (other === id || other === null) throw new ShardlineError('taken-over', { runId: id });
    return new ShardlineError('out-in-use', { path: setting.out, problem: `run ${other} started there meanwhile` });
  };
  const observe = (event: CoordinatorEvent, now: RunState, changes: readonly Change[]): void => {
    progress.observe(event, now, changes);
    for (const reporter of copies) reporter.observe?.(event, now, changes);
    if (event.kind === 'coverage-kept') coverage.take(event.coverage);
  };
  // Other agents cannot join a run with its own Redis.
  const noAgentCanCome =
    settings.redis === null ? redis.agents.local.ended.then((failures) => failures.join('; ') || 'every local agent exited') : null;
  const redisWaitMs = settings.redisWaitSeconds * 1000;
  let state: RunState;
  try {
    state = await runLoop(
      {
        channel,
        state: begun,
        recorded,
        planSuite,
        proves: provesSeparable(setting, run),
        modules: begun.opened.spec.collect === 'file' ? (run.census.old?.modules ?? []) : [],
        preloads: run.census.old?.preloads ?? false,
        clock: systemClock,
        aheadMs,
        redisWaitMs,
        recorder: guarded(recorder, claim),
        observe,
        noAgentCanCome,
      },
      interrupts,
    );
  } finally {
    progress.end();
    await holdRun(channel, settings.deadlineSeconds === null ? TAKE_COVERAGE_MS : closeMs(setting), coverage.settled());
    await within(closeMs(setting), channel.close());
  }
  const isShutOut = claim();
  const census = { ...run.census, old: await keepCensus(setting, run, state) };
  const again = restartOf(state, systemClock.now());
  if (again !== null) {
    edge.stderr.write(`shardline: ${restartLine(again)}\n`);
    take(recorder, state, { kind: 'run-restarted', at: again.at, opening: again });
    const reopened = await redis.again((pools) => pools.openRun(announcedSpec(again)));
    const { runId, epoch } = reopened.channel;
    const writer = { address: { pool: again.spec.pool, run: runId }, epoch, seq: recorder.seq() };
    const next = { recorded: null, redis: { ...redis, ...reopened }, recorder: createRecorder(log, writer) };
    return await serveRun(setting, { ...run, census, state, ...next }, interrupts);
  }
  if (state.suite.refusal !== null) {
    await log.close();
    throw new ShardlineError('bad-paths', {
      output: state.suite.refusal,
      pytestExitCode: 4,
      command: shellCommand([setting.python, '-m', 'pytest', ...state.opened.spec.pytestArgs]),
    });
  }
  const { coverage: asked } = state.opened;
  const combined = asked === null ? null : await combineRun(setting, state, asked, coverage);
  if (combined !== null) {
    take(recorder, state, { kind: 'coverage-combined', at: systemClock.now(), coverage: combined.coverage });
  }
  // Awaited here, because everything that was opened must stay open until the durations are saved.
  return await finishRun(setting, state, { store: redis.store, log, combined, copies, isShutOut });
}

/** Claims the run before Redis gets anything again that it has lost. */
const guarded = (recorder: Recorder, claim: () => unknown): Recorder => ({
  ...recorder,
  add(event) {
    if (event.kind === 'redis-emptied') claim();
    recorder.add(event);
  },
});

/** Records an event after the run is closed, and applies it. */
function take(recorder: Recorder, state: RunState, event: OwnEvent): void {
  recorder.add(event);
  recorder.flush();
  reduce(state, event);
}

/**
 * True unless the census shows that files of this suite can never be collected one by one. If true, each collection of the whole list takes
 * a new census.
 */
const mayRenew = (census: Census | null): boolean => census === null || (census.inseparable === null && census.problems.length === 0);

/**
 * True if the run also checks whether files can be collected one by one. A run that collects the whole list does so if that is unknown or
 * has become doubtful.
 */
function provesSeparable({ settings }: Setting, { state: { opened }, census }: OpenedRun): boolean {
  if (opened.restarted !== null && opened.restarted.mismatch !== null) return true;
  return settings.collect === 'auto' && (opened.spec.collect === 'file' || mayRenew(census.old));
}

/** Returns the census after this run. If the census cannot be saved, the next run is slower; this run does not fail. */
async function keepCensus(setting: Setting, { census, redis }: OpenedRun, state: RunState): Promise<Census | null> {
  const taken = takeCensus(state, census.old, census.contents);
  if (taken === null || state.redisLost) return census.old;
  await within(closeMs(setting), redis.census.save(census.key, taken)).catch((thrown: unknown) => {
    setting.edge.stderr.write(
      `shardline: warning: could not save how to collect this suite; the next run collects it as a whole: ${messageOf(thrown)}\n`,
    );
  });
  return taken;
}

const restartLine = ({ restarted }: RunOpened): string =>
  `restarting, every worker now collects the whole suite: ${oneLine(restarted?.why ?? '')}. Discarded ${plural(restarted?.voidTests ?? 0, 'result')}; all tests run again. Nothing to do: later runs remember this`;
