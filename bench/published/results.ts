// The raw numbers of a measurement, as they are kept in results.json. The page is rendered from nothing else.

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

export const CACHES = ['cold', 'warm'] as const;
export type Cache = (typeof CACHES)[number];

export interface Results {
  readonly version: 1;
  readonly conditions: Conditions;
  readonly peers: Readonly<Record<string, Installed>>;
  readonly suites: readonly SuiteResults[];
}

/** Rounds are comparable only under equal conditions. */
export interface Conditions {
  readonly commit: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly python: string;
  readonly workers: number;
}

export type Installed =
  | { readonly title: string; readonly versions: string }
  /** The installation failed for this reason. */
  | { readonly title: string; readonly unavailable: string };

export interface SuiteResults {
  readonly name: string;
  readonly title: string;
  /** Rounds of another size are not comparable. */
  readonly size: string;
  /** True if the suite is smaller than the one that its target is about. */
  readonly isReduced: boolean;
  /** By peer. */
  readonly observed: Readonly<Record<string, Observation>>;
  readonly rounds: readonly Round[];
}

/** One run of a command under watch, which is not timed. */
export interface Observation {
  readonly peakBytes: number | null;
  readonly tests: number;
  /** Tests whose outcome is not that of plain pytest, or that only one of the two ran. */
  readonly differing: number;
  /** The first of their node ids. */
  readonly examples: readonly string[];
  /** Why there are no outcomes, or null. */
  readonly failed: string | null;
}

/** Each peer once, one after the other. */
export interface Round {
  readonly cache: Cache;
  readonly at: string;
  /** The load average of the last minute before the round: what else the machine was doing, and the round before. */
  readonly load: number;
  /** By peer. */
  readonly samples: Readonly<Record<string, Sample>>;
}

export type Sample =
  | {
      readonly seconds: number;
      readonly cpuSeconds: number;
      /** From the failure of a test to its first report; null if the suite has no failure. */
      readonly firstFailureSeconds: number | null;
    }
  | { readonly failed: string };

/** Null if there is no such file. */
export async function readResults(path: string): Promise<Results | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return null;
  const results = JSON.parse(text) as Results;
  if (results.version !== 1) throw new Error(`${path} has version ${results.version}, not 1. Fix: delete it, and measure again.`);
  return results;
}

/** Replaces the file as a whole, so that a killed measurement leaves the old or the new one. */
export async function writeResults(path: string, results: Results): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, `${JSON.stringify(results, null, 1)}\n`);
  await rename(`${path}.new`, path);
}

export function withSuite(results: Results, suite: SuiteResults): Results {
  return { ...results, suites: [...results.suites.filter(({ name }) => name !== suite.name), suite] };
}

/** The finished rounds of this cache state that have a sample of each of these peers. */
export function finishedRounds(rounds: readonly Round[], cache: Cache, peers: readonly string[]): readonly Round[] {
  return rounds.filter((round) => round.cache === cache && peers.every((peer) => round.samples[peer] !== undefined));
}
