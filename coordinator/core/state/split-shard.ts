// Replaces a shard by its parts.

import type { NodeId } from '../../../shared/domain/ids.ts';
import type { Shard } from '../../../shared/domain/shard.ts';
import type { EventOf } from './events.ts';
import { addShard, moveShard } from './moves.ts';
import type { FileProgress, ShardRecord } from './records.ts';
import { countTest, isUncollected, newProgress } from './records.ts';
import type { RunState } from './run-state.ts';

/**
 * Replaces an open shard by its parts, in place. Late results of the shard's own attempts count for the parts. Parts that already exist
 * change nothing.
 */
export function applySplit(state: RunState, { shard, into, byNeeds = false }: EventOf<'shard-split'>): void {
  const record = state.shards.get(shard);
  if (record?.state.kind !== 'open' || into.some(({ id }) => state.shards.has(id))) return;
  const isPart = record.isPart || !byNeeds;
  for (const part of into) addShard(state, { shard: part, state: { kind: 'planned' }, files: partFiles(record, part), isPart, waits: [] });
  moveShard(state, record, { kind: 'split', attempts: record.state.attempts, into: into.map(({ id }) => id) });
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

/** Copies what is known of a collected file. The collection time counts only once, for the original file. */
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
    const needs = whole.needs.get(test.nodeid);
    if (needs !== undefined) progress.needs.set(test.nodeid, needs);
    countTest(progress, test);
  }
}
