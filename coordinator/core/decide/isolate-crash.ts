// Isolates shards that keep crashing their session: they run alone and are halved until the crashing test is alone. This protects the tests
// of other shards.

import { type ShardId, shardId } from '../../../shared/domain/ids.ts';
import type { Selector, Shard } from '../../../shared/domain/shard.ts';
import type { FileProgress } from '../state/records.ts';
import { attemptsOf, isUncollected, type ShardRecord } from '../state/records.ts';
import { isAbove, isUnfinished, unfinishedSeconds } from '../state/remaining-work.ts';
import type { RunState } from '../state/run-state.ts';

/** Crashes before a planned shard is suspect. After one crash, another test in the same session may be the cause. */
const CRASHES_WHILE_SHARED = 2;

/** True if the shard must run alone, so that a crash identifies it. Every part of a suspect shard is suspect too. */
export const isSuspect = (record: ShardRecord): boolean => record.isPart || crashesOf(record) >= CRASHES_WHILE_SHARED;

/** True for a suspect that crashed its session and still lacks more than one test or file. A part ran alone, so one crash is enough. */
export const isToHalve = (state: RunState, record: ShardRecord): boolean =>
  isSuspect(record) && crashesOf(record) > 0 && unitsOf(state, record).length > 1;

const crashesOf = (record: ShardRecord): number =>
  attemptsOf(record).filter(({ state }) => state.kind === 'ended' && state.ending.kind === 'crashed').length;

/** The smallest piece: a test, or a file whose tests are unknown. */
export interface Unit {
  readonly selector: Selector;
  readonly seconds: number;
}

/** Divides what the shard still lacks into two new shards; empty if it cannot be halved. */
export function halve(state: RunState, shard: ShardId): readonly Shard[] {
  const record = state.shards.get(shard);
  const units = record === undefined ? [] : unitsOf(state, record);
  if (record === undefined || units.length < 2) return [];
  const middle = Math.ceil(units.length / 2);
  const next = state.shards.size + 1;
  return [units.slice(0, middle), units.slice(middle)].map((half, index) => ({
    id: shardId(next + index),
    selectors: joined(half),
    predictedSeconds: half.reduce((sum, { seconds }) => sum + seconds, 0),
    ...(record.shard.needs === undefined ? {} : { needs: record.shard.needs }),
  }));
}

/** What the shard still lacks. */
export function unitsOf(state: RunState, record: ShardRecord): readonly Unit[] {
  return [...record.files.values()]
    .filter((progress) => isUnfinished(state, progress) || isDoubted(state, progress))
    .flatMap((progress): Unit[] => {
      const seconds = unfinishedSeconds(record, progress);
      if (isUncollected(progress) || isDoubted(state, progress))
        return progress.selectors.map((selector) => ({ selector, seconds: seconds / progress.selectors.length }));
      const open = [...progress.tests.values()].filter(({ accepted }) => accepted === null);
      return open.map(({ nodeid, file }) => ({
        selector: { kind: 'tests', file, nodeids: [nodeid] },
        seconds: seconds / open.length,
      }));
    });
}

/** True if the file's collection error may still be dropped; a part must then include the file. */
const isDoubted = ({ doubts }: RunState, { file, selectors, collectSeconds }: FileProgress): boolean =>
  selectors.length > 0 && collectSeconds === null && [...doubts.keys()].some((path) => path === file || isAbove(path, file));

/** Joins single tests of one file into one selector. */
export function joined(units: readonly Unit[]): readonly Selector[] {
  const selectors: Selector[] = [];
  for (const { selector } of units) {
    const last = selectors.at(-1);
    if (selector.kind === 'tests' && last?.kind === 'tests' && last.file === selector.file) {
      selectors[selectors.length - 1] = { ...last, nodeids: [...last.nodeids, ...selector.nodeids] };
    } else selectors.push(selector);
  }
  return selectors;
}
