// `shardline run`: joins the parts of one run. Redis, discovery and history are had side by side; everything that was opened is closed here.

import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import type { Edge } from '../../shared/cli/edge.ts';
import { readSelected } from '../../shared/cli/selected.ts';
import { type RunId, runId } from '../../shared/ids.ts';
import type { RunSettings } from '../../shared/settings.ts';
import { systemClock } from '../../shared/system/clock.ts';
import { createLogger } from '../../shared/system/logger.ts';
import { defaultPython } from '../../shared/system/python.ts';
import { defaultReserveSeconds } from '../core/deadline.ts';
import type { RunOpened } from '../core/events.ts';
import type { RunState } from '../core/run-state.ts';
import { pytestDiscovery } from '../discovery/pytest-discovery.ts';
import { openJournal } from '../report/journal.ts';
import { prepareOut } from '../report/outputs.ts';
import { createProgress } from '../report/progress.ts';
import { type Interrupts, runLoop } from '../run-loop.ts';
import { finishRun } from './finish-run.ts';
import { openRedis } from './open-redis.ts';
import { engineFor, planRun } from './plan-run.ts';
import { CLOSE_MS, type Setting, within } from './setting.ts';

/** How many executions one shard gets before its unfinished tests are given up. */
const ATTEMPT_LIMIT = 3;

/** Resolves with the exit code. Throws a ShardlineError, or an AggregateError of several, when there is nothing to report on. */
export async function runCommand(settings: RunSettings, edge: Edge): Promise<number> {
  const startedAt = Date.now();
  const id = newRunId(startedAt);
  const logger = createLogger({ level: settings.logLevel, file: settings.logFile, name: `run ${id}` });
  const python = settings.python ?? defaultPython(edge.env);
  const out = settings.out ?? join(settings.workspace, '.shardline', 'runs', id);
  const requested = new AbortController();
  const forced = new AbortController();
  const onSignal = (name: string) => (): void => (requested.signal.aborted ? forced : requested).abort(name);
  const ignore = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => edge.onSignal(name, onSignal(name)));
  try {
    return await run({ settings, edge, id, startedAt, python, out, logger }, { requested: requested.signal, forced: forced.signal });
  } catch (thrown) {
    if (!requested.signal.aborted) throw thrown;
    // What went wrong then is the interruption itself; nothing was enqueued, so there is nothing to report on.
    logger.info({ problem: String(thrown) }, 'interrupted before the run was open');
    edge.stderr.write(`shardline: ${requested.signal.reason}: ended before anything was run\n`);
    return 2;
  } finally {
    for (const stop of ignore) stop();
    logger.close();
  }
}

async function run(setting: Setting, interrupts: Interrupts): Promise<number> {
  const { settings, edge, id, python, startedAt } = setting;
  await using opened = new AsyncDisposableStack();
  const named = settings.selected === null ? [] : await readSelected(settings.selected, edge.stdin);
  const pytestArgs = [...settings.paths, ...named, ...settings.pytestArgs];
  await prepareOut(setting.out);

  const failing = new AbortController();
  const signal = AbortSignal.any([interrupts.requested, failing.signal]);
  const discovering = timed(pytestDiscovery().discover({ workspace: settings.workspace, python, pytestArgs }, signal));
  const connecting = timed(openRedis(setting, opened, signal));
  const [discovery, connection] = await bothOrAll(discovering, connecting, failing);
  const { pools, agents, timings, store } = connection.value;
  const suite = discovery.value;

  const engine = engineFor(setting, suite);
  const plan = await planRun(setting, engine, suite, timings, agents.count, pools);
  const at = Date.now();
  const spec = {
    version: 1,
    runId: id,
    pool: settings.pool,
    engine,
    pytestArgs,
    maxfail: settings.maxfail ?? suite.maxfail,
    serialMarker: settings.serialMarker,
    openedAt: at,
  } as const;
  const opening: RunOpened = {
    kind: 'run-opened',
    at,
    startedAt,
    spec,
    shards: plan.shards,
    collectErrors: suite.collectErrors,
    preparation: { setupSeconds: connection.seconds, discoverySeconds: discovery.seconds },
    attemptLimit: ATTEMPT_LIMIT,
    waitAgentSeconds: settings.waitAgentsSeconds,
    deadline:
      settings.deadlineSeconds === null
        ? null
        : { seconds: settings.deadlineSeconds, reserveSeconds: settings.reserveSeconds ?? defaultReserveSeconds(settings.deadlineSeconds) },
  };

  const journal = openJournal(join(setting.out, 'events.ndjson'));
  const progress = createProgress(edge.stderr, settings.verbosity);
  const channel = await pools.openRun(spec);
  let state: RunState;
  try {
    state = await runLoop(
      {
        channel,
        opened: opening,
        clock: systemClock,
        observe: (event, before) => {
          journal.record(event);
          progress.observe(event, before);
        },
        // With a Redis of our own nobody else can join.
        noAgentCanCome:
          settings.redis === null ? agents.local.ended.then((failures) => failures.join('; ') || 'every agent has left') : null,
      },
      interrupts,
    );
  } finally {
    progress.end();
    await within(CLOSE_MS, channel.close());
  }
  // Awaited here: what was opened must stay open until the durations are saved.
  return await finishRun(setting, state, store, journal.close());
}

interface Timed<Value> {
  readonly value: Value;
  readonly seconds: number;
}

async function timed<Value>(promise: Promise<Value>): Promise<Timed<Value>> {
  const startedAt = performance.now();
  const value = await promise;
  return { value, seconds: (performance.now() - startedAt) / 1000 };
}

/** Both values, or everything that went wrong with them: a user mends all at once. */
async function bothOrAll<First, Second>(
  first: Promise<First>,
  second: Promise<Second>,
  failing: AbortController,
): Promise<[First, Second]> {
  const settled = await Promise.allSettled([first, second]);
  const reasons = settled.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  if (reasons.length > 0) {
    failing.abort();
    throw reasons.length === 1 ? reasons[0] : new AggregateError(reasons);
  }
  return Promise.all([first, second]);
}

/** Sorts by time, is unique without a server's help, and is safe in file names and keys. */
function newRunId(at: number): RunId {
  const [day = '', time = ''] = new Date(at).toISOString().split(/[T.]/);
  return runId(
    `${day.replaceAll('-', '')}-${time.replaceAll(':', '')}-${randomInt(36 ** 4)
      .toString(36)
      .padStart(4, '0')}`,
  );
}
