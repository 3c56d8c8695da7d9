// From a command to an open run: Redis, discovery and history are had side by side, then the suite is planned and announced.

import type { Census } from '../../shared/domain/census.ts';
import type { TestFile } from '../../shared/domain/ids.ts';
import type { Order } from '../../shared/domain/order.ts';
import { failureLimit, type RunCache } from '../../shared/domain/pytest-cache.ts';
import type { RunSpec } from '../../shared/domain/run-spec.ts';
import type { Shard } from '../../shared/domain/shard.ts';
import type { SuiteList } from '../../shared/domain/suite-list.ts';
import type { Timings } from '../../shared/domain/timings.ts';
import { printWorkspace } from '../../shared/system/workspace-print.ts';
import { decideCollect } from '../core/decide/collect-choice.ts';
import { judge } from '../core/decide/forecast.ts';
import { failureChances, inOrder, shardChance } from '../core/plan/order.ts';
import { planSuite } from '../core/plan/plan-suite.ts';
import { knownTests } from '../core/result/not-run.ts';
import { deadlineTimes } from '../core/state/deadline.ts';
import type { Deadline, RunOpened } from '../core/state/events.ts';
import { changedFiles } from '../discovery/changed-files.ts';
import { fileContents } from '../discovery/file-contents.ts';
import { pytestDiscovery } from '../discovery/pytest-discovery.ts';
import type { DiscoveredSuite, Pools, RunChannel } from '../ports.ts';
import { lateLine } from '../reporters/progress/forecast-text.ts';
import type { SuitePlan } from '../run-loop.ts';
import type { OpenRedis, openRedis } from './bring-up.ts';
import { planRun, type RunPlan, tellSuite } from './plan-run.ts';
import type { Setting } from './run-context.ts';
import { drainOf, openingOf, specOf } from './run-spec-builder.ts';
import { cacheToShip } from './ship-cache.ts';

/** What is learned on the way: all there is to report where the time is over before the run is open. */
export interface Known {
  suite: DiscoveredSuite | null;
  timings: Timings;
}

/** What earlier runs have shown of this suite, and what its files contain now. */
export interface KnownCensus {
  readonly key: string;
  readonly old: Census | null;
  readonly contents: ReadonlyMap<TestFile, string>;
}

export interface PreparedRun {
  readonly opening: RunOpened;
  readonly planSuite: (list: SuiteList, first: number) => SuitePlan;
  readonly census: KnownCensus;
  readonly redis: OpenRedis;
}

/** Throws whatever Redis and discovery throw, all of it at once; the signal's reason when it aborts. */
export async function prepareRun(
  setting: Setting,
  pytestArgs: readonly string[],
  deadline: Deadline | null,
  known: Known,
  opened: AsyncDisposableStack,
  ending: AbortSignal,
): Promise<PreparedRun> {
  const { settings, edge, python, startedAt } = setting;
  const failing = new AbortController();
  const signal = AbortSignal.any([ending, failing.signal]);
  const { workspace, serialMarker } = settings;
  const discovering = timed(pytestDiscovery().discover({ workspace, python, pytestArgs, serialMarker }, signal));
  const times = deadlineTimes({ startedAt, deadline });
  // Asked for at once: it is part of the announcement, and Redis takes longer.
  const printing = settings.fingerprint === 'off' ? Promise.resolve(null) : printWorkspace(workspace, settings.redis !== null);
  // Discovery has a better word for a workspace that cannot be read.
  const print = printing.catch(() => null);
  let announced: RunSpec | null = null;
  const announce = async (pools: Pools, aheadMs: number): Promise<RunChannel> => {
    const drain = times === null ? null : drainOf(times, aheadMs);
    const source = {
      workspace,
      pytestArgs,
      addopts: edge.env.PYTEST_ADDOPTS ?? '',
      warn: (line: string) => void edge.stderr.write(`shardline: ${line}\n`),
    };
    const finding = discovering.then(({ value }) => value.cache);
    const cache = await cacheToShip(source, finding);
    announced = { ...specOf(setting, pytestArgs, await print, drain, aheadMs), cache };
    return await pools.openRun(announced);
  };
  const connecting = timed(connect(setting, opened, announce, signal));
  void discovering.then(({ value }) => Object.assign(known, { suite: value })).catch(() => undefined);
  void connecting.then(({ value }) => Object.assign(known, { timings: value.store.old.files })).catch(() => undefined);
  const [discovery, connection] = await bothOrAll(discovering, connecting, failing);
  const { pools, agents, store } = connection.value;
  const timings = store.old.files;
  const suite = discovery.value;

  const contents = await fileContents(
    suite.rootdir,
    suite.files.map(({ file }) => file),
  );
  const census = await connection.value.census.load(suite.censusKey);
  const { unstreamable, namesTests } = suite;
  const decision = decideCollect({ asked: settings.collect, unstreamable, namesTests, census, contents });
  const collect = decision.mode;
  tellSuite(setting, suite, decision);
  const plan = await planRun(setting, suite, store.old, agents.count, pools);
  const changed = settings.changedSince === null ? new Set<TestFile>() : await changedFiles(suite.rootdir, settings.changedSince, signal);
  const files = suite.files.map(({ file }) => file);
  const chances = failureChances(files, timings, changed);
  if (times !== null && isKnownWell(files, timings)) warnHopeless(setting, plan, (times.drainAt - Date.now()) / 1000);
  signal.throwIfAborted();
  const order = settings.order ?? 'longest';
  const opening = openingOf(setting, deadline, {
    spec: {
      ...(announced ?? specOf(setting, pytestArgs, await print, null)),
      collect,
      maxfail: failureLimit(settings.maxfail ?? suite.maxfail, suite.cache?.stepwise ?? null),
    },
    ...ordered(order, plan.shards, chances),
    affinity: plan.affinity,
    digests: Object.fromEntries(decision.digests),
    failedWhole: decision.mode === 'file' ? (census?.failed ?? []) : [],
    knownTests: knownTests(suite.files, timings),
    coverage: suite.coverage,
    cache: runCacheOf(suite),
    python: settings.fingerprint === 'off' ? null : suite.fingerprint,
    collectErrors: suite.collectErrors,
    preparation: { setupSeconds: connection.seconds, discoverySeconds: discovery.seconds },
  });
  // Files of a list that discovery did not find are new to history, and to the changes.
  const chancesOf = (list: SuiteList): ReadonlyMap<TestFile, number> =>
    failureChances([...new Set(list.groups.map(({ file }) => file))], timings, changed);
  const planList = (list: SuiteList, first: number): SuitePlan => {
    const shards = planSuite(list, plan.suite, first);
    // A list that has an order of its own keeps to it.
    return ordered(list.order === 'free' ? order : 'longest', shards, chancesOf(list));
  };
  return { opening, planSuite: planList, redis: connection.value, census: { key: suite.censusKey, old: census, contents } };
}

/** What the run's end needs to leave pytest's cache as pytest would. */
function runCacheOf({ cache, pytest, files }: DiscoveredSuite): RunCache | null {
  if (cache === null) return null;
  const { directory, stepwise } = cache;
  return { directory, stepwise, pytest, files: files.map(({ file }) => file) };
}

/** The shards in the order asked for, with what decides it. */
function ordered(
  order: Order,
  shards: readonly Shard[],
  chances: ReadonlyMap<TestFile, number>,
): Pick<RunOpened, 'shards' | 'failureChances'> {
  const weighed = shards.map((shard) => ({ shard, chance: shardChance(shard, chances), seconds: shard.predictedSeconds }));
  return {
    shards: inOrder(weighed, order, (each) => each).map(({ shard }) => shard),
    failureChances: Object.fromEntries(weighed.map(({ shard, chance }) => [shard.id, chance])),
  };
}

/** Guesses are no reason to call a deadline hopeless. */
const isKnownWell = (files: readonly TestFile[], timings: Timings): boolean =>
  files.filter((file) => timings.has(file)).length > files.length / 2;

function warnHopeless({ edge }: Setting, { shards, force }: RunPlan, availableSeconds: number): void {
  const pieces = shards.map(({ selectors, predictedSeconds }) => ({
    seconds: predictedSeconds,
    files: [...new Set(selectors.map(({ file }) => file))],
  }));
  const line = lateLine(judge(pieces, force, Math.max(0, availableSeconds)), 'Going by earlier runs,');
  if (line !== null) edge.stderr.write(`shardline: ${line}\n`);
}

/** Loading what speaks to Redis takes 0.15 s: pytest is at work already. */
async function connect(...args: Parameters<typeof openRedis>): Promise<OpenRedis> {
  const { openRedis } = await import('./bring-up.ts');
  return await openRedis(...args);
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
