// Shards that end their session, again and again: they run alone, and are halved until what does it stands alone. Nobody else's tests pay for it.

import { type NodeId, type ShardId, shardId } from '../../../shared/domain/ids.ts';
import type { Selector, Shard } from '../../../shared/domain/shard.ts';
import { isAbove, isUnfinished, unfinishedSeconds } from '../state/remaining-work.ts';
import { attemptsOf, type FileProgress, isUncollected, newProgress, type RunState, type ShardRecord } from '../state/run-state.ts';

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

/** Replaces an open shard by parts of it, in place. Late results of its own attempts count for its parts. Parts that are there already change nothing. */
export function applySplit(state: RunState, shard: ShardId, into: readonly Shard[]): void {
  const record = state.shards.get(shard);
  if (record?.state.kind !== 'open' || into.some(({ id }) => state.shards.has(id))) return;
  for (const part of into)
    state.shards.set(part.id, { shard: part, state: { kind: 'planned' }, files: partFiles(record, part), isPart: true });
  record.state = { kind: 'split', attempts: record.state.attempts, into: into.map(({ id }) => id) };
}

function partFiles(record: ShardRecord, part: Shard): ShardRecord['files'] {
  const files: ShardRecord['files'] = new Map();
  for (const [file, selectors] of Map.groupBy(part.selectors, (selector) => selector.file)) {
    const whole = record.files.get(file);
    const progress = newProgress(file, selectors);
    files.set(file, progress);
    if (whole !== undefined && !isUncollected(whole)) adopt(progress, whole);
  }
  return files;
}

/** The tests of a file that was collected are known; the time that took is the first collection's. */
function adopt(progress: FileProgress, whole: FileProgress): void {
  progress.collectSeconds = whole.collectSeconds === null ? null : 0;
  progress.collectFailed = whole.collectFailed;
  progress.mayBackUp = whole.mayBackUp;
  for (const [attempt, agent] of whole.collectedIn) progress.collectedIn.set(attempt, agent);
  const named = new Set<NodeId>(progress.selectors.flatMap((selector) => (selector.kind === 'tests' ? selector.nodeids : [])));
  for (const test of whole.tests.values()) {
    if (!named.has(test.nodeid)) continue;
    progress.tests.set(test.nodeid, test);
    if (whole.serial.has(test.nodeid)) progress.serial.add(test.nodeid);
    if (test.accepted !== null) continue;
    test.expectedIn.push(progress);
    progress.openTests += 1;
  }
}
