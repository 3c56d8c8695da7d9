// Splits files that are too long for one shard. Splitting needs history: a file that never ran is not split.

import { type NodeId, nodeId, type TestFile } from '../../../shared/domain/ids.ts';
import type { Timings } from '../../../shared/domain/suite/timings.ts';
import { sum } from '../../../shared/numbers.ts';
import { type Affinity, scopeOf } from './affinity.ts';
import { pull } from './list-schedule.ts';
import type { EstimatedUnit } from './plan.ts';

/** Split a file if the run would otherwise take more than this many even shares of the work. */
const TOLERATED_SHARES = 1.05;
/** Size of a part as a fraction of an even share, so that the last part to end is short … */
const PART_SHARE_DIVISOR = 4;
/** … but its tests must outweigh what each part pays again, collection and the fixtures of module and class, by this factor. */
const LEAST_TESTS_PER_OVERHEAD = 2;
/** A shorter part saves no noticeable time, and tests that only pass in file order stay together. In seconds. */
const LEAST_PART_SECONDS = 0.5;
/** A split whose longest part keeps more than this share of the file's time is not worth its cost. */
const WORTHWHILE = 0.8;

export interface Splitting {
  readonly timings: Timings;
  readonly affinity: Affinity;
  /** xdist workers of all agents. */
  readonly slots: number;
  /** Split any file longer than this, whatever the plan, in seconds; null leaves it to the plan. */
  readonly thresholdSeconds: number | null;
}

/** Splits each whole file that would delay the end; returns other units unchanged. Every test of a split file is in exactly one part. */
export function splitUnits(units: readonly EstimatedUnit[], splitting: Splitting): readonly EstimatedUnit[] {
  const { slots, thresholdSeconds } = splitting;
  if (slots < 2) return units;
  const share = sum(units.map(({ seconds }) => seconds)) / slots;
  const long = (unit: EstimatedUnit): boolean => thresholdSeconds !== null && unit.seconds > thresholdSeconds;
  const asked = units.flatMap((unit) => (long(unit) ? (divide(unit, share, splitting) ?? [unit]) : [unit]));
  const divided = divideForTheEnd(asked, share, splitting);
  return end(divided, slots) < end(asked, slots) ? divided : asked;
}

/** Repeatedly splits the longest divisible unit of the xdist worker that finishes last. */
function divideForTheEnd(units: readonly EstimatedUnit[], share: number, splitting: Splitting): readonly EstimatedUnit[] {
  const settled = new Set<EstimatedUnit>();
  let current = longestFirst(units);
  for (;;) {
    const { makespanSeconds, machines, last } = pull(secondsOf(current), splitting.slots);
    if (makespanSeconds <= TOLERATED_SHARES * share) return current;
    const unit = current.find((each, index) => machines[index] === last && !settled.has(each));
    if (unit === undefined) return current;
    const parts = divide(unit, share, splitting);
    for (const each of parts ?? [unit]) settled.add(each);
    if (parts !== null) current = longestFirst([...current.filter((each) => each !== unit), ...parts]);
  }
}

/** The parts of a unit, each with the overhead it pays again; null if the unit cannot be split or a split gains nothing. */
function divide(unit: EstimatedUnit, share: number, { timings, affinity, thresholdSeconds }: Splitting): readonly EstimatedUnit[] | null {
  const [selector] = unit.selectors;
  if (selector?.kind !== 'file' || unit.selectors.length > 1) return null;
  const timing = timings.get(selector.file);
  if (timing === undefined || !isDivisible(selector.file, timing, affinity)) return null;
  const overhead = timing.collectSeconds + timing.fixtureSeconds;
  const testSeconds = sum(timing.tests.values());
  const wanted = Math.min(share / PART_SHARE_DIVISOR, (thresholdSeconds ?? Number.POSITIVE_INFINITY) - overhead);
  const partSeconds = Math.max(wanted, LEAST_TESTS_PER_OVERHEAD * overhead, LEAST_PART_SECONDS);
  const bins = pack(atomsOf(timing.tests, affinity.unit), Math.ceil(testSeconds / partSeconds));
  const longest = Math.max(...bins.map(({ seconds }) => seconds)) + overhead;
  if (bins.length < 2 || longest > WORTHWHILE * unit.seconds) return null;
  const needs = unit.needs === undefined ? {} : { needs: unit.needs };
  return asParts(selector.file, bins).map((part) => ({ ...part, ...needs, seconds: part.seconds + overhead }));
}

/** True if the file may be split and its tests outweigh what each part would pay again. */
export function isDivisible(file: TestFile, timing: MeasuredFile, { unit, together }: Affinity): boolean {
  if (unit === 'file' || together.some((set) => set.includes(file))) return false;
  const testSeconds = sum(timing.tests.values());
  return testSeconds > 0 && testSeconds >= LEAST_TESTS_PER_OVERHEAD * (timing.collectSeconds + timing.fixtureSeconds);
}

/** Seconds by name of pieces that are never separated: tests or scopes. */
export function atomsOf(tests: ReadonlyMap<NodeId, number>, unit: Affinity['unit']): ReadonlyMap<string, number> {
  if (unit === 'test') return tests;
  const scopes = new Map<string, number>();
  for (const [id, seconds] of tests) scopes.set(scopeOf(id), (scopes.get(scopeOf(id)) ?? 0) + seconds);
  return scopes;
}

/**
 * One part also takes every test that no other part names, including new tests. It is the part with the module's functions, which have no
 * scope name of their own.
 */
function asParts(file: TestFile, bins: readonly Bin[]): readonly EstimatedUnit[] {
  const rest = bins.find(({ names }) => names.includes(file)) ?? bins[0];
  const others = bins.filter((bin) => bin !== rest);
  return bins.map((bin) => ({
    selectors: [
      {
        kind: 'part',
        file,
        only: bin === rest ? null : bin.names.map(nodeId),
        except: bin === rest ? others.flatMap(({ names }) => names.map(nodeId)) : [],
      },
    ],
    seconds: bin.seconds,
  }));
}

interface Bin {
  seconds: number;
  readonly names: string[];
}

/** Packs longest first into the emptiest of `count` bins (Graham 1969); drops empty bins. */
function pack(atoms: ReadonlyMap<string, number>, count: number): readonly Bin[] {
  const bins = Array.from({ length: Math.max(1, Math.min(count, atoms.size)) }, (): Bin => ({ seconds: 0, names: [] }));
  for (const [name, seconds] of [...atoms].sort(([, left], [, right]) => right - left)) {
    const emptiest = bins.reduce((least, bin) => (bin.seconds < least.seconds ? bin : least));
    emptiest.names.push(name);
    emptiest.seconds += seconds;
  }
  return bins.filter(({ names }) => names.length > 0);
}

const secondsOf = (units: readonly EstimatedUnit[]): readonly number[] => units.map(({ seconds }) => seconds);
const longestFirst = (units: readonly EstimatedUnit[]): readonly EstimatedUnit[] =>
  units.toSorted((left, right) => right.seconds - left.seconds);
const end = (units: readonly EstimatedUnit[], slots: number): number => pull(secondsOf(longestFirst(units)), slots).makespanSeconds;

export interface MeasuredFile {
  readonly collectSeconds: number;
  /** Fixture seconds of one xdist worker that runs the whole file; if parts of the file each paid for fixtures, the largest value. */
  readonly fixtureSeconds: number;
  /** Seconds of each test that ran beside others, without fixtures it set up for later tests. */
  readonly tests: ReadonlyMap<NodeId, number>;
}
