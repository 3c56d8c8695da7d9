// One storm over one real run: a seed decides what breaks, and afterwards everything must be as if nothing had broken.

import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type DurableRedis, startDurableRedis } from '../support/durable-redis.ts';
import { eventually } from '../support/eventually.ts';
import { marked } from '../support/marked.ts';
import { countedByPlainPytest } from '../support/plain-pytest.ts';
import { testPython } from '../support/python.ts';
import { newProject, type Project } from '../support/shardline.ts';
import { endOf, type Fleet, hasTheRun, isUp, type Member, makeFleet, signal } from './fleet.ts';
import { createRandom, type Random } from './random.ts';
import { crashing, suite } from './suite.ts';

/** How long a storm lasts. After it the run may end. */
export const STORM_MS = 7000;
/** How long a run may take to end after the storm, and a process after it is asked to leave. */
const END_SECONDS = 90;
const LEAVE_SECONDS = 40;
/** The keys with a pool's agents and news expire after this long. */
const PASSING_MS = 10_000;

export interface StormResult {
  readonly seed: number;
  /** The faults in order, each with the seconds since the start. */
  readonly blows: readonly string[];
  /** Every difference from a run in which nothing broke; empty for a sound run. */
  readonly problems: readonly string[];
  readonly seconds: number;
  /** The output of coordinator and agents, to find the cause of a problem. */
  readonly said: string;
}

/** Node id → outcome in plain pytest. The crashing tests do not run there: they count as errors. */
export async function plainOutcomes(): Promise<ReadonlyMap<string, string>> {
  await using project = await newProject(suite);
  const deselected = crashing.flatMap((id) => ['--deselect', id]);
  const { outcomes } = await countedByPlainPytest(testPython(), project.directory, deselected);
  return new Map([...Object.entries(outcomes), ...crashing.map((id): [string, string] => [id, 'error'])]);
}

export async function storm(seed: number, plain: ReadonlyMap<string, string>, stormMs: number): Promise<StormResult> {
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  const mark = `chaos-${process.pid}-${seed}`;
  const random = createRandom(seed);
  const collect = random.pick(['file', 'suite'] as const);
  const blows: string[] = [`--collect ${collect}`];
  const problems: string[] = [];
  await using project = await newProject(suite);
  await using redis = await startDurableRedis();
  await using fleet = await makeFleet(project, redis.port, 3, mark, collect);
  const { coordinator, agents } = fleet;
  const attempt = async (what: string, check: () => Promise<void>): Promise<void> => {
    try {
      await check();
    } catch (thrown) {
      problems.push(`${what}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
  };

  for (const agent of agents) fleet.startAgent(agent);
  fleet.startCoordinator();
  const mending = await rage(fleet, redis, random, stormMs, (blow) => blows.push(`${seconds().toFixed(1)} ${blow}`));
  await Promise.all(mending);

  await attempt('the run', async () => {
    await eventually('it has ended', () => !isUp(coordinator), END_SECONDS);
    const exitCode = await endOf(coordinator);
    if (exitCode !== 1) problems.push(`the run ended with exit code ${exitCode}, where plain pytest fails with 1`);
    problems.push(...(await differences(project, plain)));
  });
  await attempt('the agents', async () => {
    fleet.close();
    for (const agent of agents) signal(agent, 'SIGTERM');
    await eventually('all have left', () => !agents.some(isUp), LEAVE_SECONDS);
  });
  await attempt('processes', () => eventually('nothing outlives the run', async () => (await marked(mark)).length === 0, LEAVE_SECONDS));
  problems.push(...(await marked(mark)).map((each) => `this process outlives the run: ${each}`));
  await attempt('Redis', async () => {
    problems.push(...(await keysLeft(redis.url)).map((key) => `this key is left in Redis: ${key}`));
  });
  const said = [coordinator, ...agents].map((member) => `--- ${member.name}\n${member.said}`).join('\n');
  return { seed, blows, problems, seconds: seconds(), said };
}

type Blow = (fleet: Fleet, redis: DurableRedis, random: Random, log: (what: string) => void) => Promise<void>;

const wait = (ms: number): Promise<void> => delay(ms);
const anyAgent = (fleet: Fleet, random: Random): Member => random.pick(fleet.agents);

/** Every fault is undone after a while, so that the run can end. A fault does not touch what is already broken. */
const blowTable: readonly (readonly [weight: number, blow: Blow])[] = [
  [4, (fleet, _redis, random, log) => endAgent(fleet, random, log, 'SIGKILL')],
  [2, (fleet, _redis, random, log) => endAgent(fleet, random, log, 'SIGTERM')],
  [3, (fleet, _redis, random, log) => freeze(anyAgent(fleet, random), random.pick([0.5, 2, 10]), log)],
  [2, (fleet, _redis, random, log) => freeze(fleet.coordinator, random.pick([0.5, 3]), log)],
  [3, (fleet, _redis, random, log) => reset(random.pick([...fleet.agents, fleet.coordinator]), log)],
  [2, (fleet, _redis, random, log) => silence(random.pick([...fleet.agents, fleet.coordinator]), random.pick([1, 6, 11]), log)],
  [2, (_fleet, redis, random, log) => restartRedis(redis, random.between(0.1, 2), false, log)],
  [1, (_fleet, redis, random, log) => restartRedis(redis, random.between(0.1, 1), true, log)],
  [3, (fleet, _redis, random, log) => killCoordinator(fleet, random.between(0.2, 2), log)],
  [1, (fleet, _redis, random, log) => deposeCoordinator(fleet, random.between(1, 3), log)],
];
const blowList: readonly Blow[] = blowTable.flatMap(([weight, blow]) => Array.from({ length: weight }, () => blow));

/** Waits until the storm is over, and returns the faults that are still being undone. */
async function rage(
  fleet: Fleet,
  redis: DurableRedis,
  random: Random,
  stormMs: number,
  log: (what: string) => void,
): Promise<Promise<void>[]> {
  const mending: Promise<void>[] = [];
  await eventually('the run is open', () => fleet.coordinator.said.includes('Run '), 60);
  for (const until = performance.now() + stormMs; performance.now() < until; ) {
    await wait(random.between(100, 1000));
    if (/^reports /m.test(fleet.coordinator.said)) break;
    mending.push(random.pick(blowList)(fleet, redis, random, log));
  }
  return mending;
}

async function endAgent(fleet: Fleet, random: Random, log: (what: string) => void, name: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const agent = anyAgent(fleet, random);
  if (!isUp(agent) || agent.isFrozen) return;
  const command = agent.commands.at(-1);
  log(`${name} of ${agent.name}`);
  signal(agent, name);
  await command;
  await wait(random.between(100, 1500));
  // An agent that was hit twice is replaced once.
  if (command === agent.commands.at(-1)) fleet.startAgent(agent);
}

async function freeze(member: Member, seconds: number, log: (what: string) => void): Promise<void> {
  if (!isUp(member) || member.isFrozen) return;
  const command = member.commands.at(-1);
  log(`SIGSTOP of ${member.name} for ${seconds} s`);
  signal(member, 'SIGSTOP');
  await wait(seconds * 1000);
  if (command === member.commands.at(-1)) signal(member, 'SIGCONT');
}

async function reset(member: Member, log: (what: string) => void): Promise<void> {
  log(`reset of every connection of ${member.name}`);
  member.link.reset();
}

async function silence(member: Member, seconds: number, log: (what: string) => void): Promise<void> {
  log(`silence of ${member.name} for ${seconds} s`);
  member.link.silence();
  await wait(seconds * 1000);
  member.link.heal();
}

async function restartRedis(redis: DurableRedis, seconds: number, isEmptied: boolean, log: (what: string) => void): Promise<void> {
  log(`SIGKILL of Redis for ${seconds.toFixed(1)} s${isEmptied ? ', and all it stored is gone' : ''}`);
  await redis.kill();
  if (isEmptied) await redis.forget();
  await wait(seconds * 1000);
  await redis.start();
}

async function killCoordinator(fleet: Fleet, seconds: number, log: (what: string) => void): Promise<void> {
  const { coordinator } = fleet;
  if (!isUp(coordinator) || coordinator.isFrozen) return;
  const command = coordinator.commands.at(-1);
  log(`SIGKILL of the coordinator for ${seconds.toFixed(1)} s`);
  signal(coordinator, 'SIGKILL');
  await command;
  await wait(seconds * 1000);
  if (command === coordinator.commands.at(-1)) fleet.startCoordinator();
}

/** Freezes the coordinator, and wakes it after another one has taken over its run. */
async function deposeCoordinator(fleet: Fleet, seconds: number, log: (what: string) => void): Promise<void> {
  const { coordinator } = fleet;
  const old = coordinator.commands.at(-1);
  if (old === undefined || !isUp(coordinator) || coordinator.isFrozen || !hasTheRun(coordinator)) return;
  log(`SIGSTOP of the coordinator, which wakes ${seconds.toFixed(1)} s after another has taken over`);
  old.kill('SIGSTOP');
  try {
    fleet.startCoordinator();
    await eventually('another has taken over', () => hasTheRun(coordinator), END_SECONDS);
    await wait(seconds * 1000);
  } finally {
    old.kill('SIGCONT');
  }
}

/** Every expected test must be in the report exactly once, with the outcome of plain pytest. */
async function differences(project: Project, plain: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const { tests, notRun, collectErrors } = await project.report();
  const counts = new Map<string, number>();
  for (const { nodeid } of tests) counts.set(nodeid, (counts.get(nodeid) ?? 0) + 1);
  return [
    ...tests.flatMap(({ nodeid, outcome, attempts }) => {
      const expected = plain.get(nodeid);
      return outcome === expected ? [] : [`${nodeid} is ${outcome}, by plain pytest ${expected}: ${attempts[0]?.message?.slice(0, 500)}`];
    }),
    ...[...plain.keys()].filter((id) => counts.get(id) !== 1).map((id) => `${id} is in the report ${counts.get(id) ?? 0} times`),
    ...notRun.map(({ nodeid, reason }) => `${nodeid} was not run: ${reason}`),
    ...collectErrors.map(({ file, message }) => `${file} was not collected: ${message.slice(0, 300)}`),
  ];
}

/** Keys that never expire, and keys other than durations, censuses and notes that do not expire within seconds. */
async function keysLeft(url: string): Promise<readonly string[]> {
  const redis = new Redis(url);
  try {
    const keys = await redis.keys('*');
    const lives = await Promise.all(keys.map((key) => redis.pttl(key)));
    // What a pool has learned, and the note of how a run ended, outlive runs, but expire too.
    const isLearned = (key: string): boolean => [':timings', ':census', ':note'].some((name) => key.endsWith(name));
    return keys.filter((key, at) => (lives[at] ?? -1) < 0 || (!isLearned(key) && (lives[at] ?? 0) > PASSING_MS));
  } finally {
    redis.disconnect();
  }
}
