// Measures one suite: observes each command once, and times rounds in which each command runs once, one after the other.

import { existsSync } from 'node:fs';
import { glob, mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcomes } from '../equality/outcomes.ts';
import type { BenchSuite } from '../suites.ts';
import type { Command, Used } from './command.ts';
import type { Environments } from './environments.ts';
import { parity, readOutcomes, recording } from './parity.ts';
import type { Peer } from './peers.ts';
import { type Cache, finishedRounds, type Observation, type Sample, type SuiteResults } from './results.ts';
import type { PublishedSuite, Size } from './suites.ts';

export interface Measuring {
  readonly environments: Environments;
  readonly peers: readonly Peer[];
  /** Its outcomes are right. It is observed even if it is not one of the peers. */
  readonly plain: Peer;
  readonly caches: readonly Cache[];
  readonly rounds: number;
  readonly size: Size;
  readonly limitSeconds: number;
  readonly say: (line: string) => void;
  readonly run: (command: Command) => Promise<Used>;
  /** Called after each observation and each round. */
  readonly keep: (suite: SuiteResults) => Promise<void>;
}

/** What each runner keeps from one run for the next, in the root of the workspace. */
const CACHE_FOLDERS = ['.pytest_cache', '.rstest_cache', '.bistra_cache', '.shardline'] as const;

/** Adds what is missing to `kept`: observations, and rounds. */
export async function measureSuite(suite: PublishedSuite, kept: SuiteResults, measuring: Measuring): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-bench-'));
  try {
    const made = await suite.make(join(directory, 'suite'), measuring.size, measuring.environments.python);
    const stage: Stage = { ...measuring, suite, made, scratch: join(directory, 'outcomes.json') };
    let results = await observeMissing(stage, kept);
    for (const cache of measuring.caches) results = await timeRounds(stage, results, cache);
  } finally {
    await rm(directory, { recursive: true });
  }
}

interface Stage extends Measuring {
  readonly suite: PublishedSuite;
  readonly made: BenchSuite;
  /** Where a command writes its outcomes. */
  readonly scratch: string;
}

async function observeMissing(stage: Stage, kept: SuiteResults): Promise<SuiteResults> {
  const { suite, peers, say, keep } = stage;
  const missing = peers.filter(({ name }) => kept.observed[name] === undefined);
  if (missing.length === 0) return kept;
  let results = kept;
  let plain: Outcomes | null = null;
  for (const peer of [stage.plain, ...missing.filter(({ name }) => name !== stage.plain.name)]) {
    say(`${suite.name}: observing ${peer.title}`);
    await clearCaches(stage);
    const { outcomes, used } = await observe(stage, peer);
    plain ??= outcomes;
    if (!missing.includes(peer)) continue;
    const observation = describe(used, plain, outcomes);
    results = { ...results, observed: { ...results.observed, [peer.name]: observation } };
    await keep(results);
  }
  return results;
}

async function observe(stage: Stage, peer: Peer): Promise<{ outcomes: Outcomes | null; used: Used }> {
  const { own, env } = recording(peer, stage.scratch);
  await rm(stage.scratch, { force: true });
  const used = await command(stage, peer, { own, env, watchesMemory: true });
  return { outcomes: existsSync(stage.scratch) ? await readOutcomes(peer, stage.scratch) : null, used };
}

function describe(used: Used, plain: Outcomes | null, own: Outcomes | null): Observation {
  if (plain === null || own === null) {
    const failed = used.failed ?? (own === null ? 'wrote no outcomes' : 'plain pytest wrote no outcomes');
    return { peakBytes: used.peakBytes, tests: 0, differing: 0, examples: [], failed };
  }
  return { peakBytes: used.peakBytes, ...parity(plain, own), failed: used.failed };
}

/** Cold: each command starts without caches. Warm: each command has run before, and keeps its caches and the bytecode. */
async function timeRounds(stage: Stage, kept: SuiteResults, cache: Cache): Promise<SuiteResults> {
  const { suite, peers, rounds, say, keep } = stage;
  const done = finishedRounds(
    kept.rounds,
    cache,
    peers.map(({ name }) => name),
  );
  // Rounds without one of these peers are not comparable with the new ones.
  let results: SuiteResults = { ...kept, rounds: [...kept.rounds.filter((round) => round.cache !== cache), ...done] };
  if (done.length >= rounds) return results;
  if (cache === 'warm') await warmUp(stage);
  for (let round = done.length; round < rounds; round += 1) {
    say(`${suite.name}: ${cache} round ${round + 1} of ${rounds}`);
    const at = new Date().toISOString();
    const [load = Number.NaN] = loadavg();
    const samples: Record<string, Sample> = {};
    for (const peer of rotated(peers, round)) {
      if (cache === 'cold') await clearCaches(stage);
      samples[peer.name] = sample(await command(stage, peer, {}), suite.hasFailure ?? false);
    }
    results = { ...results, rounds: [...results.rounds, { cache, at, load, samples }] };
    await keep(results);
  }
  return results;
}

async function warmUp(stage: Stage): Promise<void> {
  stage.say(`${stage.suite.name}: warming the caches`);
  await clearCaches(stage);
  for (const peer of stage.peers) await command(stage, peer, {});
}

/** Each peer is first in some rounds, so that a slow drift of the machine favours none. */
function rotated<T>(values: readonly T[], by: number): readonly T[] {
  const at = by % values.length;
  return [...values.slice(at), ...values.slice(0, at)];
}

function sample({ failed, seconds, cpuSeconds, firstFailureSeconds }: Used, hasFailure: boolean): Sample {
  if (failed !== null) return { failed };
  if (hasFailure && firstFailureSeconds === null) return { failed: 'did not report the failure' };
  return { seconds, cpuSeconds, firstFailureSeconds };
}

function command(
  { environments, made, suite, limitSeconds, run }: Stage,
  peer: Peer,
  {
    own = [],
    env = {},
    watchesMemory = false,
  }: { own?: readonly string[]; env?: Readonly<Record<string, string>>; watchesMemory?: boolean },
): Promise<Used> {
  return run({
    bin: environments.bin(peer),
    argv: peer.command(made, own),
    cwd: made.workspace,
    env,
    limitSeconds,
    failure: suite.hasFailure === true ? peer.failure : null,
    watchesMemory,
  });
}

/**
 * Deletes what runners keep, and bytecode: all of a generated suite, as in a new checkout. Of an installed package, only that of the modules
 * that pytest rewrites: pip has compiled the others.
 */
async function clearCaches({ suite, made: { workspace, paths } }: Stage): Promise<void> {
  for (const folder of CACHE_FOLDERS) await rm(join(workspace, folder), { recursive: true, force: true });
  const patterns = suite.isGenerated
    ? ['**/__pycache__/*.pyc']
    : [...new Set(paths.map((path) => path.split('/')[0]))].map((top) => `${top}/**/__pycache__/*-pytest-*.pyc`);
  for await (const file of glob(patterns, { cwd: workspace })) await rm(join(workspace, file), { force: true });
}
