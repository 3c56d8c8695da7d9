// Plans the shards of a whole list. If nothing requires the list's order, plans them like files; otherwise keeps the order.

import { assertNever } from '../../../shared/assert-never.ts';
import { type NodeId, shardId, type TestFile } from '../../../shared/domain/ids.ts';
import { isNone, type Needs, shardNeeds } from '../../../shared/domain/needs.ts';
import type { SuitePart } from '../../../shared/domain/part.ts';
import type { Selector, Shard } from '../../../shared/domain/shard.ts';
import type { ListGroup, SuiteList } from '../../../shared/domain/suite/suite-list.ts';
import type { Timings } from '../../../shared/domain/suite/timings.ts';
import { type Affinity, affinityOf, scopeOf, unite } from './affinity.ts';
import { unitsOfPart } from './divide.ts';
import { estimateFiles } from './estimate.ts';
import { type EstimatedUnit, planShards } from './plan.ts';
import { splitUnits } from './split.ts';
import { type KnownNeeds, NONE_KNOWN, unitsWithNeeds } from './unit-needs.ts';

export interface SuitePlanning {
  readonly timings: Timings;
  readonly affinity: Affinity;
  /** xdist workers of all expected agents. */
  readonly slots: number;
  readonly fixedSeconds: number;
  /** See `Splitting`. */
  readonly thresholdSeconds: number | null;
  /** The part of the suite that this run runs; null for all of it. */
  readonly part: SuitePart | null;
  /** What the configuration says that every test of a file needs; nothing by default. */
  readonly needsOfFile?: KnownNeeds['ofFile'] | undefined;
}

/** Shards per xdist worker, of equal estimates, into which a shuffled list is cut. */
const SHARDS_PER_SLOT = 8;

/**
 * Puts every test of the list, and every file with something to report, into exactly one shard; ids begin with `s<first>`. Tests that
 * belong to no file, and all tests after them in the list, form a last shard of their own. With a part, only what belongs to it; where one
 * worker must run everything in order, all of it belongs to the first part.
 */
export function planSuite(list: SuiteList, planning: SuitePlanning, first = 1): readonly Shard[] {
  const { head, tail } = cut(list);
  const isFirst = planning.part === null || planning.part.index === 1;
  const seconds = secondsPerTest(list, planning.timings);
  const known = knownNeeds(list, planning);
  const shards = [...headShards(list, head, planning, seconds, known), ...(isFirst ? tailShards(tail, seconds, known) : [])];
  return shards.map((shard, index) => ({ ...shard, id: shardId(first + index) }));
}

type Unnumbered = Omit<Shard, 'id'>;

function headShards(
  list: SuiteList,
  head: readonly ListGroup[],
  planning: SuitePlanning,
  seconds: (group: ListGroup) => number,
  known: KnownNeeds,
): readonly Unnumbered[] {
  const { timings, slots, fixedSeconds, thresholdSeconds, part } = planning;
  const others: readonly EstimatedUnit[] = list.others.map((file) => ({ selectors: [{ kind: 'file', file }], seconds: 0 }));
  const bonds = [...planning.affinity.together, ...list.bound.map((file) => [file])];
  const affinity = { ...affinityOf('', bonds), unit: planning.affinity.unit };
  const all = unite([...fileUnits(list, head, planning), ...others], affinity);
  const united = part === null ? all : unitsOfPart(all, part);
  const own = new Set(united.flatMap(({ selectors }) => selectors.map(({ file }) => file)));
  const ownOthers = others.filter(({ selectors }) => selectors.every(({ file }) => own.has(file)));
  const ownHead = head.filter(({ file }) => own.has(file));
  switch (list.order) {
    case 'free': {
      const units = splitUnits(unitsWithNeeds(united, known, affinity, timings), { timings, affinity, slots, thresholdSeconds });
      return byName(list, planShards({ units, slots, fixedSeconds }).shards);
    }
    case 'listed':
      return [...chunks(ownHead, seconds, slots * SHARDS_PER_SLOT, known), ...ownOthers.map(asShard)];
    case 'strict':
      return part === null || part.index === 1 ? [...whole(head, seconds, known), ...others.map(asShard)] : [];
    default:
      return assertNever(list.order);
  }
}

/** Replaces each part by its tests from the list, so each test is in exactly one part and expected there. Drops empty parts. */
function byName(list: SuiteList, shards: readonly Shard[]): readonly Unnumbered[] {
  const parts = Map.groupBy(
    shards.flatMap(({ selectors }) => selectors.filter((selector) => selector.kind === 'part')),
    ({ file }) => file,
  );
  const tests = new Map<Selector, NodeId[]>();
  for (const { file, nodeids } of list.groups) {
    const holderOf = partHolding(parts.get(file) ?? []);
    for (const nodeid of nodeids) {
      const part = holderOf(nodeid);
      if (part === undefined) continue;
      const own = tests.get(part);
      if (own === undefined) tests.set(part, [nodeid]);
      else own.push(nodeid);
    }
  }
  return shards.flatMap(({ selectors, ...shard }) => {
    const named = selectors.flatMap((selector): readonly Selector[] => {
      if (selector.kind !== 'part') return [selector];
      const nodeids = tests.get(selector) ?? [];
      return nodeids.length === 0 ? [] : [{ kind: 'tests', file: selector.file, nodeids }];
    });
    return named.length === 0 ? [] : [{ ...shard, selectors: named }];
  });
}

type Part = Extract<Selector, { kind: 'part' }>;

/** Finds the part that holds a test. A part names tests, or scopes for --dist loadscope; the part without names holds the rest. */
function partHolding(parts: readonly Part[]): (nodeid: NodeId) => Part | undefined {
  const rest = parts.find(({ only }) => only === null);
  const byName = new Map<string, Part>(parts.flatMap((part) => (part.only ?? []).map((name) => [name, part] as const)));
  return (nodeid) => byName.get(nodeid) ?? byName.get(scopeOf(nodeid)) ?? rest;
}

/** Makes each file one unit: the whole file, or only its tests before the first test that belongs to no file. */
function fileUnits(list: SuiteList, head: readonly ListGroup[], { timings }: SuitePlanning): readonly EstimatedUnit[] {
  const whole = counts(list.groups);
  const own = counts(head);
  const files = [...own.keys()];
  const estimates = estimateFiles(
    files.map((file) => ({ file, nodeids: null })),
    timings,
  );
  const nodeids = Map.groupBy(head, ({ file }) => file);
  return files.map((file) => {
    const isWhole = own.get(file) === whole.get(file);
    const selector: Selector = isWhole
      ? { kind: 'file', file }
      : { kind: 'tests', file, nodeids: (nodeids.get(file) ?? []).flatMap((group) => group.nodeids) };
    return { selectors: [selector], seconds: estimates.get(file) ?? 0 };
  });
}

function counts(groups: readonly ListGroup[]): ReadonlyMap<TestFile, number> {
  const found = new Map<TestFile, number>();
  for (const { file, nodeids } of groups) found.set(file, (found.get(file) ?? 0) + nodeids.length);
  return found;
}

/** Cuts the list at the first test that belongs to no file. */
function cut({ groups, tail }: SuiteList): { readonly head: readonly ListGroup[]; readonly tail: readonly ListGroup[] } {
  const head: ListGroup[] = [];
  const rest: ListGroup[] = [];
  let index = 0;
  for (const group of groups) {
    const inHead = tail === null ? group.nodeids.length : Math.min(group.nodeids.length, Math.max(0, tail - index));
    if (inHead > 0) head.push({ file: group.file, nodeids: group.nodeids.slice(0, inHead) });
    if (inHead < group.nodeids.length) rest.push({ file: group.file, nodeids: group.nodeids.slice(inHead) });
    index += group.nodeids.length;
  }
  return { head, tail: rest };
}

/** Cuts consecutive groups into `count` shards of about equal length, in list order. */
function chunks(
  groups: readonly ListGroup[],
  seconds: (group: ListGroup) => number,
  count: number,
  known: KnownNeeds,
): readonly Unnumbered[] {
  const total = groups.reduce((sum, group) => sum + seconds(group), 0);
  const shards: Unnumbered[] = [];
  let current: ListGroup[] = [];
  let sum = 0;
  for (const group of groups) {
    current.push(group);
    sum += seconds(group);
    if (sum < total / count) continue;
    shards.push(inOrder(current, sum, known));
    current = [];
    sum = 0;
  }
  return current.length === 0 ? shards : [...shards, inOrder(current, sum, known)];
}

/** One shard of all groups; none if there are no groups. */
const whole = (groups: readonly ListGroup[], seconds: (group: ListGroup) => number, known: KnownNeeds): readonly Unnumbered[] =>
  groups.length === 0
    ? []
    : [
        inOrder(
          groups,
          groups.reduce((sum, group) => sum + seconds(group), 0),
          known,
        ),
      ];

/** A shard that needs what one of its tests needs: its tests must stay together. */
function inOrder(groups: readonly ListGroup[], predictedSeconds: number, known: KnownNeeds): Unnumbered {
  const needs = shardNeeds(
    ...groups.flatMap(({ file, nodeids }) => [known.ofFile(file), ...nodeids.flatMap((id) => known.ofTests(file).get(id) ?? [])]),
  );
  const shard = { selectors: asTests(groups), predictedSeconds };
  return isNone(needs) ? shard : { ...shard, needs };
}

/** What the marks in the list and the configuration say. */
function knownNeeds({ needs = [], groups }: SuiteList, { needsOfFile }: SuitePlanning): KnownNeeds {
  if (needs.length === 0) return { ...NONE_KNOWN, ...(needsOfFile && { ofFile: needsOfFile }) };
  const byId = new Map(needs.map(({ nodeid, needs: own }) => [nodeid, own]));
  const byFile = new Map<TestFile, Map<NodeId, Needs>>();
  for (const { file, nodeids } of groups) {
    const tests = byFile.get(file) ?? new Map<NodeId, Needs>();
    for (const id of nodeids) {
      const own = byId.get(id);
      if (own !== undefined) tests.set(id, own);
    }
    if (tests.size > 0) byFile.set(file, tests);
  }
  const none = new Map<NodeId, Needs>();
  return { ofFile: needsOfFile ?? NONE_KNOWN.ofFile, ofTests: (file) => byFile.get(file) ?? none };
}

const tailShards = (tail: readonly ListGroup[], seconds: (group: ListGroup) => number, known: KnownNeeds): readonly Unnumbered[] =>
  whole(tail, seconds, known).map((shard) => ({ ...shard, runsLast: true }));

/** Makes one selector per file. The xdist worker runs the tests in list order, so their order here does not matter. */
const asTests = (groups: readonly ListGroup[]): readonly Selector[] =>
  [...Map.groupBy(groups, ({ file }) => file)].map(([file, own]) => ({
    kind: 'tests',
    file,
    nodeids: own.flatMap(({ nodeids }) => nodeids),
  }));

const asShard = ({ selectors, seconds }: EstimatedUnit): Unnumbered => ({ selectors, predictedSeconds: seconds });

/** The group's share of its file's estimate. */
function secondsPerTest(list: SuiteList, timings: Timings): (group: ListGroup) => number {
  const whole = counts(list.groups);
  const estimates = estimateFiles(
    [...whole.keys()].map((file) => ({ file, nodeids: null })),
    timings,
  );
  return ({ file, nodeids }) => ((estimates.get(file) ?? 0) * nodeids.length) / Math.max(1, whole.get(file) ?? 1);
}
