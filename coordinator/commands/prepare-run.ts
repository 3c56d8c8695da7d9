// Prepares a run up to its opening. It connects to Redis, discovers tests and loads history at the same time, then plans and announces the
// suite.

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
import type { Deadline, RunOpened, SuitePlan } from '../core/state/events.ts';
import { changedFiles } from '../discovery/changed-files.ts';
import { fileContents } from '../discovery/file-contents.ts';
import { pytestDiscovery } from '../discovery/pytest-discovery.ts';
import type { DiscoveredSuite, Pools, RunChannel } from '../ports.ts';
import { lateLine } from '../reporters/progress/forecast-text.ts';
import type { OpenRedis, openRedis } from './bring-up.ts';
import { planRun, type RunPlan, tellSuite } from './plan-run.ts';
import type { Setting } from './run-context.ts';
import { drainOf, openingOf, specOf } from './run-spec-builder.ts';
import { cacheToShip } from './ship-cache.ts';

/** Facts learned so far. If the time is over before the run is open, the report has only these. */
export interface Known {
  suite: DiscoveredSuite | null;
  timings: Timings;
}

/** The findings of earlier runs about how to collect this suite, and the current contents of its files. */
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

/** Throws the errors of Redis and discovery, both at once if both fail; the signal's reason if it aborts. */
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
  // Started at once: it is part of the announcement, and connecting to Redis takes longer.
  const printing = settings.fingerprint === 'off' ? Promise.resolve(null) : printWorkspace(workspace, settings.redis !== null);
  // Discovery reports an unreadable workspace with a better message.
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
  void connecting.then(({ value }) => Object.assign(known, { timings: value.store.old })).catch(() => undefined);
  const [discovery, connection] = await bothOrAll(discovering, connecting, failing);
  const { pools, agents, store } = connection.value;
  const timings = store.old;
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
    acceptsNoTests: suite.acceptsNoTests,
    junitXml: suite.junitXml,
    knownTests: knownTests(suite.files, timings),
    coverage: suite.coverage,
    cache: runCacheOf(suite),
    python: settings.fingerprint === 'off' ? null : suite.fingerprint,
    collectErrors: suite.collectErrors,
    preparation: { setupSeconds: connection.seconds, discoverySeconds: discovery.seconds },
  });
  // A list may contain files that discovery did not find. They have no history and no known changes.
  const chancesOf = (list: SuiteList): ReadonlyMap<TestFile, number> =>
    failureChances([...new Set(list.groups.map(({ file }) => file))], timings, changed);
  const planList = (list: SuiteList, first: number): SuitePlan => {
    const shards = planSuite(list, plan.suite, first);
    // A list with an order of its own keeps that order.
    return ordered(list.order === 'free' ? order : 'longest', shards, chancesOf(list));
  };
  return { opening, planSuite: planList, redis: connection.value, census: { key: suite.censusKey, old: census, contents } };
}

/** Returns what the run's end needs to update pytest's cache as pytest would. */
function runCacheOf({ cache, pytest, files }: DiscoveredSuite): RunCache | null {
  if (cache === null) return null;
  const { directory, stepwise } = cache;
  return { directory, stepwise, pytest, files: files.map(({ file }) => file) };
}

/** Returns the shards in the requested order, with the failure chances that decide it. */
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

/** Guessed durations are not enough to warn that a deadline is hopeless. */
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

/** Loading the Redis client takes 0.15 s. It is loaded here, when pytest is already at work. */
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

/** Resolves with both values, or throws all errors together so that a user can fix all at once. */
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
