// Divides a shard whose last attempt left tests that need more than the shard has. Tests with equal needs stay together.

import { type ShardId, shardId } from '../../../../shared/domain/ids.ts';
import { allNeeds, covers, isNone, type Needs, NO_NEEDS, needsKey, shardNeeds } from '../../../../shared/domain/needs.ts';
import type { Shard } from '../../../../shared/domain/shard.ts';
import { hasEnded, type ShardRecord } from '../../state/records.ts';
import type { RunState } from '../../state/run-state.ts';
import { joined, type Unit, unitsOf } from '../isolate-crash.ts';

/** True if a test without an outcome needs more than the shard has. */
export function isToDivide(record: ShardRecord): boolean {
  if (record.state.kind !== 'open' || !hasEnded(record)) return false;
  const { needs: own = NO_NEEDS } = record.shard;
  for (const { needs, tests } of record.files.values())
    for (const [nodeid, wanted] of needs) if (tests.get(nodeid)?.accepted === null && !covers(own, wanted)) return true;
  return false;
}

/** Divides what the shard still lacks into new shards, one for each kind of needs. */
export function divideByNeeds(state: RunState, shard: ShardId): readonly Shard[] {
  const record = state.shards.get(shard);
  if (record === undefined) return [];
  const { needs: own = NO_NEEDS } = record.shard;
  const groups = Map.groupBy(
    unitsOf(state, record).map((unit) => ({ unit, needs: shardNeeds(own, needsOfUnit(record, unit)) })),
    ({ needs }) => needsKey(needs),
  );
  const next = state.shards.size + 1;
  return [...groups.values()].map((group, index) => {
    const needs = group[0]?.needs ?? own;
    return {
      id: shardId(next + index),
      selectors: joined(group.map(({ unit }) => unit)),
      predictedSeconds: group.reduce((sum, { unit }) => sum + unit.seconds, 0),
      ...(isNone(needs) ? {} : { needs }),
    };
  });
}

/** A unit names one test, or files that were not collected. */
function needsOfUnit({ files }: ShardRecord, { selector }: Unit): Needs {
  const known = files.get(selector.file)?.needs;
  if (selector.kind !== 'tests' || known === undefined) return NO_NEEDS;
  return allNeeds(...selector.nodeids.flatMap((nodeid) => known.get(nodeid) ?? []));
}
