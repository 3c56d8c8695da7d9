// `shardline run`: joins the parts of one run. Redis, discovery and history are had side by side; everything that was opened is closed here.

import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { maxAutoWorkers } from '../../shared/auto-workers.ts';
import type { Edge } from '../../shared/cli/edge.ts';
import { readSelected } from '../../shared/cli/selected.ts';
import { messageOf, ShardlineError } from '../../shared/errors.ts';
import { agentId, type RunId, runId } from '../../shared/ids.ts';
import { checkServer } from '../../shared/redis/check-server.ts';
import { connect } from '../../shared/redis/connect.ts';
import type { Report } from '../../shared/report.ts';
import type { EngineName } from '../../shared/run-spec.ts';
import type { RunSettings } from '../../shared/settings.ts';
import { systemClock } from '../../shared/system/clock.ts';
import { createLogger, type Logger } from '../../shared/system/logger.ts';
import { readMachine } from '../../shared/system/machine.ts';
import { defaultPython } from '../../shared/system/python.ts';
import type { Timings } from '../../shared/timings.ts';
import { defaultReserveSeconds } from '../core/deadline.ts';
import { estimateFiles } from '../core/estimate.ts';
import type { RunOpened } from '../core/events.ts';
import { learn } from '../core/learn.ts';
import { merge } from '../core/merge.ts';
import { type EstimatedSelector, planShards } from '../core/plan.ts';
import type { RunState } from '../core/run-state.ts';
import { splitFiles } from '../core/split.ts';
import { firstExitCode } from '../core/verdict.ts';
import { pytestDiscovery } from '../discovery/pytest-discovery.ts';
import { type LocalAgents, startLocalAgents } from '../local-agents.ts';
import type { DiscoveredSuite, Pools, TimingStore } from '../ports.ts';
import { startEmbeddedRedis } from '../redis/embedded-server.ts';
import { redisPools } from '../redis/pools.ts';
import { redisTimingStore } from '../redis/timing-store.ts';
import { openJournal } from '../report/journal.ts';
import { prepareOut, writeOutputs } from '../report/outputs.ts';
import { createProgress } from '../report/progress.ts';
import { renderReport } from '../report/terminal.ts';
import { type Interrupts, runLoop } from '../run-loop.ts';
import { fileTimingStore } from '../timings/file-store.ts';

/** How many executions one shard gets before its unfinished tests are given up. */
const ATTEMPT_LIMIT = 3;
/** What one shard costs besides its tests: a start of pytest, or a trip through the queue. */
const FIXED_SECONDS: Readonly<Record<EngineName, number>> = { process: 1, stream: 0.005 };
/** How long a run that is over waits for Redis to forget it. */
const CLOSE_MS = 2000;

/** Everything one run needs that is the same from beginning to end. */
interface Setting {
  readonly settings: RunSettings;
  readonly edge: Edge;
  readonly id: RunId;
  readonly startedAt: number;
  readonly python: string;
  readonly out: string;
  readonly logger: Logger;
}

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
  return await finish(setting, state, store, journal.close());
}

/** Merges, writes, learns and prints. What cannot be written is told beside the verdict, never instead of it. */
async function finish(setting: Setting, state: RunState, store: TimingStore & { old: Timings }, journal: Promise<void>): Promise<number> {
  const { settings, edge, out } = setting;
  const report = timedMerge(state);
  const problems: ShardlineError[] = [];
  const attempt = async (work: Promise<unknown>): Promise<void> => {
    try {
      await work;
    } catch (thrown) {
      problems.push(
        thrown instanceof ShardlineError ? thrown : new ShardlineError('internal', { problem: messageOf(thrown) }, { cause: thrown }),
      );
    }
  };
  let paths: readonly string[] = [];
  const write = async (): Promise<void> => {
    paths = await writeOutputs(report, { dir: out, json: settings.json, junitXml: settings.junitXml });
  };
  await attempt(write());
  await attempt(journal);
  await attempt(within(CLOSE_MS, store.save(learn(store.old, state))));

  const color = edge.stdout.isTTY === true && edge.env.NO_COLOR === undefined;
  edge.stdout.write(renderReport(report, { color, width: edge.stdout.columns ?? 80, paths, verbosity: settings.verbosity }));
  for (const problem of problems) edge.stderr.write(`shardline: error: ${problem.message}\n`);
  return firstExitCode([report.exitCode, ...problems.map(({ exitCode }) => exitCode)]);
}

/** The report says how long merging took: it is merged once to measure, and once to say so. */
function timedMerge(state: RunState): Report {
  const startedAt = performance.now();
  merge(state, { finishedAt: Date.now(), mergeSeconds: 0 });
  return merge(state, { finishedAt: Date.now(), mergeSeconds: (performance.now() - startedAt) / 1000 });
}

/** The engine asked for, or the one that can; which it is, and why, is told. */
function engineFor({ settings, edge }: Setting, suite: DiscoveredSuite): EngineName {
  if (settings.engine === 'process' || suite.unstreamable === null) return settings.engine;
  edge.stderr.write(`shardline: every shard gets a pytest of its own (--engine process), because ${suite.unstreamable}\n`);
  return 'process';
}

interface OpenRedis {
  readonly pools: Pools;
  readonly agents: { readonly local: LocalAgents; readonly count: number };
  readonly timings: Timings;
  readonly store: TimingStore & { old: Timings };
}

/** Connects, starts the agents so that they are there when the plan is, and loads what is known of durations. */
async function openRedis(setting: Setting, opened: AsyncDisposableStack, signal: AbortSignal): Promise<OpenRedis> {
  const { settings, edge, id, python } = setting;
  const isEmbedded = settings.redis === null;
  let url = settings.redis ?? '';
  if (isEmbedded) {
    const server = await startEmbeddedRedis({ redisBin: settings.redisBin, python, path: edge.env.PATH ?? '' }, signal);
    opened.use(server);
    url = server.url;
  }
  const redis = await connect(url, `shardline:run:${id}`);
  opened.defer(() => redis.disconnect());
  await checkServer(redis, url);
  signal.throwIfAborted();

  const count = settings.agents ?? (isEmbedded ? 1 : 0);
  const names = Array.from({ length: count }, (_, index) => agentId(isEmbedded ? `a${index + 1}` : `${id}-a${index + 1}`));
  const local = startLocalAgents({
    names,
    runId: id,
    pool: settings.pool,
    redisUrl: url,
    program: edge.program,
    flags: agentFlags(settings, python),
    cwd: edge.cwd,
    env: edge.env,
  });
  opened.use(local);
  const store = timingStores([
    ...(isEmbedded ? [] : [redisTimingStore(redis, settings.pool)]),
    ...(isEmbedded || settings.timings !== null ? [fileTimingStore(timingsPath(settings))] : []),
  ]);
  const old = await store.load();
  return { pools: redisPools(redis), agents: { local, count }, timings: old, store: { ...store, old } };
}

const timingsPath = (settings: RunSettings): string => settings.timings ?? join(settings.workspace, '.shardline', 'timings.json');

const agentFlags = (settings: RunSettings, python: string): string[] => [
  ...['--numprocesses', settings.numprocesses, '--python', python, '--workspace', settings.workspace],
  ...['--worker-memory', String(settings.workerBytes), '--log-level', settings.logLevel],
  ...(settings.logFile === null ? [] : ['--log-file', settings.logFile]),
];

/** All of them at once; what a later one knows of a file wins. */
function timingStores(stores: readonly TimingStore[]): TimingStore {
  return {
    load: async () => new Map((await Promise.all(stores.map((store) => store.load()))).flatMap((timings) => [...timings])),
    save: async (timings) => {
      await Promise.all(stores.map((store) => store.save(timings)));
    },
  };
}

async function planRun(setting: Setting, engine: EngineName, suite: DiscoveredSuite, timings: Timings, localAgents: number, pools: Pools) {
  const { settings } = setting;
  const seconds = estimateFiles(suite.files, timings);
  const elsewhere = settings.redis === null ? 0 : (await pools.aliveAgents(settings.pool)).length;
  const machine = await readMachine();
  // Local agents may have joined the pool already.
  const agents = Math.max(localAgents, elsewhere, 1);
  const slotsPerAgent =
    settings.numprocesses === 'auto' ? maxAutoWorkers(machine, settings.workerBytes) : Math.max(1, Number(settings.numprocesses));
  const files = suite.files.map(
    ({ file, nodeids }): EstimatedSelector => ({
      selector: nodeids === null ? { kind: 'file', file } : { kind: 'tests', file, nodeids },
      seconds: seconds.get(file) ?? 0,
    }),
  );
  return planShards({
    files: engine === 'stream' ? splitFiles(files, timings, agents * slotsPerAgent, settings.splitOverSeconds) : files,
    agents,
    slotsPerAgent,
    engine,
    fixedSeconds: FIXED_SECONDS[engine],
  });
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

/** Waits, but not for ever: what comes after must not hang on a server that is gone. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const late = new AbortController();
  const limit = systemClock.wait(ms, late.signal).catch(() => undefined);
  try {
    await Promise.race([work, limit]);
  } finally {
    late.abort();
  }
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
