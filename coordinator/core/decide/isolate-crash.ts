// Shards that end their session, again and again: they run alone, and are halved until what does it stands alone. Nobody else's tests pay for it.

import { type ShardId, shardId } from '../../../shared/domain/ids.ts';
import type { Selector, Shard } from '../../../shared/domain/shard.ts';
import type { FileProgress } from '../state/records.ts';
import { attemptsOf, isUncollected, type ShardRecord } from '../state/records.ts';
import { isAbove, isUnfinished, unfinishedSeconds } from '../state/remaining-work.ts';
import type { RunState } from '../state/run-state.ts';

/** How many sessions may end under a planned shard: with one it may only have been beside the test that did it. */
const CRASHES_WHILE_SHARED = 2;

/** Must this shard run alone, so that it is known what ends the session? So must every part of one that had to. */
export const isSuspect = (record: ShardRecord): boolean => record.isPart || crashesOf(record) >= CRASHES_WHILE_SHARED;

/** Is it to be halved: a suspect that ended its session, with more than one test or file still missing? A part was alone when it did. */
export const isToHalve = (state: RunState, record: ShardRecord): boolean =>
  isSuspect(record) && crashesOf(record) > 0 && unitsOf(state, record).length > 1;

const crashesOf = (record: ShardRecord): number =>
  attemptsOf(record).filter(({ state }) => state.kind === 'ended' && state.ending.kind === 'crashed').length;

/** What cannot be divided: a test, or a file whose tests are not known. */
interface Unit {
  readonly selector: Selector;
  readonly seconds: number;
}

/** The two halves of what the shard still lacks, as new shards; empty when it cannot be halved. */
export function halve(state: RunState, shard: ShardId): readonly Shard[] {
  const record = state.shards.get(shard);
  const units = record === undefined ? [] : unitsOf(state, record);
  if (units.length < 2) return [];
  const middle = Math.ceil(units.length / 2);
  const next = state.shards.size + 1;
  return [units.slice(0, middle), units.slice(middle)].map((half, index) => ({
    id: shardId(next + index),
    selectors: joined(half),
    predictedSeconds: half.reduce((sum, { seconds }) => sum + seconds, 0),
  }));
}

function unitsOf(state: RunState, record: ShardRecord): readonly Unit[] {
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

/** May the error that kept this file from running be dropped yet? A part must hold it then. */
const isDoubted = ({ doubts }: RunState, { file, selectors, collectSeconds }: FileProgress): boolean =>
  selectors.length > 0 && collectSeconds === null && [...doubts.keys()].some((path) => path === file || isAbove(path, file));

/** Single tests of one file are asked for together. */
function joined(units: readonly Unit[]): readonly Selector[] {
  const selectors: Selector[] = [];
  for (const { selector } of units) {
    const last = selectors.at(-1);
    if (selector.kind === 'tests' && last?.kind === 'tests' && last.file === selector.file) {
      selectors[selectors.length - 1] = { ...last, nodeids: [...last.nodeids, ...selector.nodeids] };
    } else selectors.push(selector);
  }
  return selectors;
}
