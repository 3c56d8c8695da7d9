// Prepares a run up to its opening. It connects to Redis, discovers tests and loads history at the same time, then plans and announces the
// suite.

import { realpathSync } from 'node:fs';
import { isAbsolute, relative } from 'node:path';
import type { TestFile } from '../../shared/domain/ids.ts';
import { type Census, forgetFixed, presentLoads } from '../../shared/domain/suite/census.ts';
import { failureLimit, type RunCache } from '../../shared/domain/suite/pytest-cache.ts';
import type { SuiteList } from '../../shared/domain/suite/suite-list.ts';
import type { Timings } from '../../shared/domain/suite/timings.ts';
import { reportLongSteps, type Step } from '../../shared/long-step.ts';
import { limitsOf } from '../../shared/settings/resources.ts';
import type { RunSettings } from '../../shared/settings/settings.ts';
import { systemClock } from '../../shared/system/clock.ts';
import type { ClosingStack } from '../../shared/system/closing-stack.ts';
import { type CollectDecision, decideCollect } from '../core/decide/collect-choice.ts';
import { judge } from '../core/decide/forecast.ts';
import { failureChances, orderShards } from '../core/plan/order.ts';
import { planSuite } from '../core/plan/plan-suite.ts';
import { knownTests } from '../core/result/not-run.ts';
import { deadlineTimes } from '../core/state/deadline.ts';
import type { Deadline, RunOpened, SuitePlan } from '../core/state/events.ts';
import { changedFiles } from '../discovery/changed-files.ts';
import { fileContents } from '../discovery/file-contents.ts';
import { pytestDiscovery } from '../discovery/pytest-discovery.ts';
import type { DiscoveredSuite } from '../ports.ts';
import { lateLine } from '../reporters/progress/forecast-text.ts';
import type { OpenRedis, openRedis } from './bring-up.ts';
import { announcementOf } from './preparation/announcement.ts';
import { bothOrAll, timed } from './preparation/both-at-once.ts';
import { planRun, printSuiteNotes, type RunPlan } from './preparation/plan-run.ts';
import type { Setting } from './run-context.ts';
import { openingOf } from './run-spec-builder.ts';

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
  opened: ClosingStack,
  ending: AbortSignal,
): Promise<PreparedRun> {
  const { settings, startedAt } = setting;
  const failing = new AbortController();
  const signal = AbortSignal.any([ending, failing.signal]);
  const { workspace, python, serialMarker } = settings;
  const listing = pytestDiscovery().discover({ workspace, python, pytestArgs, serialMarker }, signal);
  const discovering = timed(settings.verbosity === 'quiet' ? listing : withListingProgress(setting, listing));
  const times = deadlineTimes({ startedAt, deadline });
  const { announce, announced } = announcementOf(setting, pytestArgs, times, discovering);
  const connecting = timed(connect(setting, opened, announce, signal));
  void discovering.then(({ value }) => Object.assign(known, { suite: value })).catch(() => undefined);
  void connecting.then(({ value }) => Object.assign(known, { timings: value.store.old })).catch(() => undefined);
  const [discovery, connection] = await bothOrAll(discovering, connecting, failing);
  const redis = connection.value;
  const suite = discovery.value;

  const census = await censusOf(suite, redis);
  const decision = collectDecision(settings, suite, census);
  printSuiteNotes(setting, suite, decision);
  const plan = await planRun(setting, suite, pytestArgs, redis.store.old, redis.agents.count, redis.pools);
  const changed = settings.changedSince === null ? new Set<TestFile>() : await changedFiles(suite.rootdir, settings.changedSince, signal);
  const history = { timings: redis.store.old, changed };
  if (times !== null && isKnownWell(filesOf(suite), history.timings)) warnHopeless(setting, plan, (times.drainAt - Date.now()) / 1000);
  signal.throwIfAborted();
  const opening = openingOf(setting, deadline, {
    spec: { ...(await announced), collect: decision.mode, maxfail: maxfailOf(settings, suite) },
    ...foundIn(setting, suite, plan, history),
    origin: await setting.origin,
    resources: limitsOf(settings.resources),
    onlyAgents: settings.redis === null ? redis.agents.count : null,
    digests: Object.fromEntries(decision.digests),
    ...knownBeforehand(settings, decision, census),
    preparation: { setupSeconds: connection.seconds, discoverySeconds: discovery.seconds },
  });
  return { opening, planSuite: suitePlanner(settings, plan, history), redis, census };
}

/** pytest imports the conftests and plugins of the suite first, which can take long. */
function withListingProgress<Value>({ edge }: Setting, listing: Promise<Value>): Promise<Value> {
  const step: Step = { name: 'listing the test files with pytest', startedAt: systemClock.now() };
  return reportLongSteps(
    listing,
    () => step,
    (line) => void edge.stderr.write(`shardline: ${line}\n`),
    systemClock,
  );
}

/** What earlier runs and the version control know of the suite's files. */
interface FileHistory {
  readonly timings: Timings;
  readonly changed: ReadonlySet<TestFile>;
}

const filesOf = ({ files }: DiscoveredSuite): readonly TestFile[] => files.map(({ file }) => file);

async function censusOf(suite: DiscoveredSuite, redis: OpenRedis): Promise<KnownCensus> {
  const contents = await fileContents(suite.rootdir, filesOf(suite));
  const old = await redis.census.load(suite.censusKey);
  return { key: suite.censusKey, old: old === null ? null : forgetFixed(old, contents), contents };
}

const collectDecision = (
  { collect }: RunSettings,
  { unstreamable, namesTests }: DiscoveredSuite,
  { old, contents }: KnownCensus,
): CollectDecision => decideCollect({ asked: collect, unstreamable, namesTests, census: old, contents });

/** What a run that collects by file knows of the whole list. */
function knownBeforehand(
  { collect }: RunSettings,
  { mode }: CollectDecision,
  { old, contents }: KnownCensus,
): Pick<RunOpened, 'failedWhole' | 'companions' | 'loads'> {
  if (mode === 'suite' || old === null) return { failedWhole: [], companions: [], loads: [] };
  // With `--collect file`, a worker imports only the files that it runs.
  const companions = collect === 'auto' ? old.companions.filter((file) => contents.has(file)) : [];
  return { failedWhole: old.failed, companions, loads: presentLoads(old, contents) };
}

const maxfailOf = ({ maxfail }: RunSettings, suite: DiscoveredSuite): number =>
  failureLimit(maxfail ?? suite.maxfail, suite.cache?.stepwise ?? null);

/** The part of the opening that follows from the suite and its plan. */
function foundIn({ settings }: Setting, suite: DiscoveredSuite, plan: RunPlan, { timings, changed }: FileHistory) {
  return {
    ...orderShards(plan.shards, settings.order ?? 'longest', failureChances(filesOf(suite), timings, changed)),
    affinity: plan.affinity,
    part: plan.part,
    acceptsNoTests: suite.acceptsNoTests,
    junitXml: suite.junitXml && placeInLog(settings.workspace, suite.junitXml),
    knownTests: knownTests(suite.files, timings),
    coverage: suite.coverage,
    cache: runCacheOf(suite, settings.workspace),
    python: settings.fingerprint === 'off' ? null : suite.fingerprint,
    collectErrors: suite.collectErrors,
  };
}

/** Plans the shards of a whole list, once an agent has sent one. */
function suitePlanner({ order }: RunSettings, plan: RunPlan, { timings, changed }: FileHistory): PreparedRun['planSuite'] {
  return (list, first) => {
    // A list may contain files that discovery did not find. They have no history and no known changes.
    const files = [...new Set(list.groups.map(({ file }) => file))];
    // A list with an order of its own keeps that order.
    const asked = list.order === 'free' ? (order ?? 'longest') : 'longest';
    return orderShards(planSuite(list, plan.suite, first), asked, failureChances(files, timings, changed));
  };
}

/** Returns what the run's end needs to update pytest's cache as pytest would. */
function runCacheOf({ cache, pytest, files }: DiscoveredSuite, workspace: string): RunCache | null {
  if (cache === null) return null;
  const { directory, stepwise } = cache;
  return { directory: placeInLog(workspace, directory), stepwise, pytest, files: files.map(({ file }) => file) };
}

/** Relative for a path below the workspace: another machine may resume the run, where the workspace has another path. */
function placeInLog(workspace: string, path: string): string {
  const below = [workspace, realpathSync(workspace)]
    .map((root) => relative(root, path))
    .find((each) => !isAbsolute(each) && !/^\.\.(\/|$)/.test(each));
  return below ?? path;
}

/** Guessed durations are not enough to warn that a deadline is hopeless. */
const isKnownWell = (files: readonly TestFile[], timings: Timings): boolean =>
  files.filter((file) => timings.has(file)).length > files.length / 2;

function warnHopeless({ edge }: Setting, { shards, force }: RunPlan, availableSeconds: number): void {
  const pieces = shards.map(({ selectors, predictedSeconds }) => ({
    seconds: predictedSeconds,
    files: [...new Set(selectors.map(({ file }) => file))],
  }));
  const line = lateLine(judge(pieces, force, Math.max(0, availableSeconds)), 'Earlier runs predict that this run');
  if (line !== null) edge.stderr.write(`shardline: ${line}\n`);
}

/** Loading the Redis client takes 0.15 s. It is loaded here, when pytest is already at work. */
async function connect(...args: Parameters<typeof openRedis>): Promise<OpenRedis> {
  const { openRedis } = await import('./bring-up.ts');
  return await openRedis(...args);
}
