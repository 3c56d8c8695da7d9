// Takes an open run to its exit code: the loop, and the report.

import { join } from 'node:path';
import { ShardlineError } from '../../shared/errors.ts';
import { systemClock } from '../../shared/system/clock.ts';
import { takesColor, takesScreen } from '../../shared/system/terminal.ts';
import { shellCommand } from '../../shared/text/shell-quote.ts';
import { restartOf } from '../core/decide/restart.ts';
import type { CoordinatorEvent } from '../core/state/events.ts';
import type { RunState } from '../core/state/run-state.ts';
import type { Recorder } from '../ports.ts';
import { openProgress, type Progress } from '../reporters/progress/progress.ts';
import { observeAll } from '../reporters/reporter.ts';
import { type Interrupts, runLoop } from '../run-loop.ts';
import { type CombinedRun, combineRun } from './coverage/combine-run.ts';
import { type CoverageFiles, coverageFiles } from './coverage/coverage-files.ts';
import { finishRun } from './finish-run.ts';
import type { Setting } from './run-context.ts';
import { claimDirectory } from './serving/directory-claim.ts';
import { endChannel } from './serving/end-channel.ts';
import { type NoteWriter, noteProgress } from './serving/note-run.ts';
import { type OpenedRun, recordClosed } from './serving/opened-run.ts';
import { restartRun } from './serving/restart-run.ts';
import { keepCensus, provesSeparable } from './serving/suite-census.ts';

/** In the run's output directory until the data is combined. */
const COVERAGE_DIRECTORY = '.coverage-data';

/** Resolves with the exit code once the report is written. Throws `taken-over`, in which case it has written none. */
export async function serveRun(setting: Setting, run: OpenedRun, interrupts: Interrupts): Promise<number> {
  const { redis, log, copies } = run;
  const coverage = coverageFiles(join(setting.out, COVERAGE_DIRECTORY), redis.channel);
  const state = await driveRun(setting, run, coverage, interrupts);
  const { jobs } = setting;
  jobs?.deposed.throwIfAborted();
  const isShutOut = claimDirectory(setting, log);
  // The report has what is known so far. The run goes on elsewhere, so nothing is learned from it here.
  if (jobs?.leaving.aborted) return await finishRun(setting, state, { store: null, log, combined: null, copies, isShutOut, notes: null });
  const census = await keepCensus(setting, run, state);
  const again = restartOf(state, systemClock.now());
  // The jobs' agents move on to the restarted run. The first one stays until the verdict, because its log is what a heir restarts from.
  if (again !== null) return await serveRun(setting, await restartRun(setting, { ...run, census, state }, again), interrupts);
  if (state.suite.refusal !== null) {
    await log.close();
    throw badPaths(setting, state, state.suite.refusal);
  }
  // A job that was frozen must not write what another one writes.
  await jobs?.confirm();
  const combined = await combineCoverage(setting, { ...run, state }, coverage);
  // Awaited here, because everything that was opened must stay open until the durations are saved.
  return await finishRun(setting, state, { store: redis.store, log, combined, copies, isShutOut, notes: noteWriter(setting, run) });
}

/** Runs the loop until the run is closed, and closes its channel. Resolves with the final state. */
async function driveRun(setting: Setting, run: OpenedRun, coverage: CoverageFiles, interrupts: Interrupts): Promise<RunState> {
  const { settings } = setting;
  const { state: begun, recorded, planSuite, redis, copies } = run;
  for (const kept of begun.coverage.kept) coverage.take(kept);
  const progress = await progressOf(setting);
  redis.agents.local.speak((line) => progress.say(line));
  const writer = noteWriter(setting, run);
  const notes = writer === null ? [] : [noteProgress(writer)];
  const { observe } = observeAll([progress, ...notes, ...copies, { observe: (event, state) => takeCoverage(coverage, event, state) }]);
  try {
    return await runLoop(
      {
        channel: redis.channel,
        state: begun,
        recorded,
        planSuite,
        proves: provesSeparable(setting, run),
        clock: systemClock,
        aheadMs: redis.aheadMs,
        redisWaitMs: settings.redisWaitSeconds * 1000,
        recorder: claiming(setting, run),
        observe,
        noAgentCanCome: noAgentCanCome(setting, run),
      },
      interrupts,
    );
  } finally {
    progress.end();
    await endChannel(setting, redis.channel, begun, coverage.settled());
  }
}

/** A run that restarted has a second id in Redis, which the channel knows. */
const noteWriter = ({ logger }: Setting, { redis: { note, channel, aheadMs } }: OpenedRun): NoteWriter | null =>
  note === null ? null : { write: (content) => note(channel, content), aheadMs, clock: systemClock, logger };

/** A run that Redis has lost may have been resumed by another command elsewhere; only the log's file shows it. */
const claiming = (setting: Setting, { log, recorder }: OpenedRun): Recorder => ({
  ...recorder,
  add(event) {
    if (event.kind === 'redis-emptied') claimDirectory(setting, log);
    recorder.add(event);
  },
});

function progressOf({ settings, edge }: Setting): Promise<Progress> {
  const out = edge.stderr;
  const [color, screen] = [takesColor(out, edge.env), takesScreen(out, edge.env) ? edge.screen : null];
  return openProgress({ out, verbosity: settings.verbosity, color, screen, clock: systemClock });
}

/** Takes only what the run measures, from agents that serve it. */
function takeCoverage(coverage: CoverageFiles, event: CoordinatorEvent, { opened, coverage: { kept } }: RunState): void {
  if (event.kind === 'coverage-kept' && opened.coverage !== null && kept.at(-1) === event.coverage) coverage.take(event.coverage);
}

/** Other agents cannot join a run with its own Redis. */
const noAgentCanCome = ({ settings }: Setting, { redis }: OpenedRun): Promise<string> | null =>
  settings.redis === null ? redis.agents.local.ended.then((failures) => failures.join('; ') || 'every local agent exited') : null;

const badPaths = ({ settings }: Setting, { opened }: RunState, output: string): ShardlineError =>
  new ShardlineError('bad-paths', {
    output,
    pytestExitCode: 4,
    command: shellCommand([settings.python, '-m', 'pytest', ...opened.spec.pytestArgs]),
  });

/** Combines what the agents measured and records the result; null if the run measures nothing. */
async function combineCoverage(setting: Setting, run: OpenedRun, coverage: CoverageFiles): Promise<CombinedRun | null> {
  const { state } = run;
  const { coverage: options } = state.opened;
  if (options === null) return null;
  const combined = await combineRun(setting, state, options, coverage);
  recordClosed(run, { kind: 'coverage-combined', at: systemClock.now(), coverage: combined.coverage });
  return combined;
}
