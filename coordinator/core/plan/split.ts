// Splits files that are too long for one shard. Splitting needs history: a file that never ran is not split.

import { type NodeId, nodeId, type TestFile } from '../../../shared/domain/ids.ts';
import type { Timings } from '../../../shared/domain/suite/timings.ts';
import { sum } from '../../../shared/numbers.ts';
import { type Affinity, scopeOf } from './affinity.ts';
import { type Pulled, pull } from './list-schedule.ts';
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

/** After this many splits, each round splits several units … */
const SINGLE_SPLITS = 16;
/** … by this part of the splits so far. So the number of rounds grows with the logarithm of the number of splits. */
const ROUND_PART = 0.25;

/** Repeatedly splits the longest divisible unit of the xdist worker that finishes last; in a large plan, of the last few. */
function divideForTheEnd(units: readonly EstimatedUnit[], share: number, splitting: Splitting): readonly EstimatedUnit[] {
  const settled = new Set<EstimatedUnit>();
  const limit = TOLERATED_SHARES * share;
  let current = longestFirst(units);
  let splits = 0;
  for (;;) {
    const schedule = pull(secondsOf(current), splitting.slots);
    if (schedule.makespanSeconds <= limit) return current;
    let room = splits < SINGLE_SPLITS ? 1 : Math.floor(splits * ROUND_PART);
    const replaced = new Map<EstimatedUnit, readonly EstimatedUnit[]>();
    for (const own of lastWorkers(current, schedule, limit)) {
      const parts = divideFirst(own, settled, (unit) => divide(unit, share, splitting));
      // No split of another worker's units makes the last one finish earlier.
      if (parts === null && replaced.size === 0) return current;
      if (parts === null) break;
      replaced.set(parts.of, parts.into);
      room -= 1;
      if (room === 0) break;
    }
    splits += replaced.size;
    current = longestFirst(current.flatMap((unit) => replaced.get(unit) ?? [unit]));
  }
}

/** The units of each xdist worker that finishes after the limit, longest first; the worker that finishes last comes first. */
function lastWorkers(units: readonly EstimatedUnit[], { machines, last }: Pulled, limit: number): readonly (readonly EstimatedUnit[])[] {
  const workers = new Map<number, { readonly own: EstimatedUnit[]; seconds: number }>();
  for (const [place, unit] of units.entries()) {
    const machine = machines[place] ?? 0;
    const worker = workers.get(machine) ?? { own: [], seconds: 0 };
    worker.own.push(unit);
    worker.seconds += unit.seconds;
    workers.set(machine, worker);
  }
  const late = [...workers].filter(([machine, { seconds }]) => machine === last || seconds > limit);
  return late
    .sort(([one, { seconds: left }], [other, { seconds: right }]) => Number(other === last) - Number(one === last) || right - left)
    .map(([, { own }]) => own);
}

/** Divides the first of these units that can be divided, and settles those that were tried; null if none can. */
function divideFirst(
  units: readonly EstimatedUnit[],
  settled: Set<EstimatedUnit>,
  divided: (unit: EstimatedUnit) => readonly EstimatedUnit[] | null,
): { readonly of: EstimatedUnit; readonly into: readonly EstimatedUnit[] } | null {
  for (const unit of units) {
    if (settled.has(unit)) continue;
    const into = divided(unit);
    for (const each of into ?? [unit]) settled.add(each);
    if (into !== null) return { of: unit, into };
  }
  return null;
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
  const sorted = [...atoms].sort(([, left], [, right]) => right - left);
  const { machines } = pull(
    sorted.map(([, seconds]) => seconds),
    bins.length,
  );
  for (const [place, [name, seconds]] of sorted.entries()) {
    const emptiest = bins[machines[place] ?? 0];
    emptiest?.names.push(name);
    if (emptiest !== undefined) emptiest.seconds += seconds;
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
