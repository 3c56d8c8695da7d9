// Builds the next attempt of a shard from what the shard still lacks.

import type { AttemptRequest, AttemptRole } from '../../../shared/domain/attempt.ts';
import { type AgentId, type AttemptId, attemptId, type NodeId, type ShardId } from '../../../shared/domain/ids.ts';
import { NO_NEEDS } from '../../../shared/domain/needs.ts';
import type { Selector } from '../../../shared/domain/shard.ts';
import type { FileProgress } from '../state/records.ts';
import { allAttemptsOf, attemptsOf, type ShardRecord } from '../state/records.ts';
import { isUnfinished, unfinishedSeconds } from '../state/remaining-work.ts';
import type { RunState } from '../state/run-state.ts';
import { laneFor, needsOf } from './needs/placement.ts';
import { recheckWork } from './recheck.ts';
import { rerunWork } from './rerun.ts';

/**
 * Selectors that the shard still has to run, in planned order. A file without any outcome stays whole; a partly run file keeps only its
 * announced tests without an outcome; a finished file is left out. Empty for an unknown shard.
 */
export function attemptSelectors(state: RunState, shard: ShardId): readonly Selector[] {
  const record = state.shards.get(shard);
  if (record === undefined) return [];
  return [...record.files.values()].filter((progress) => isUnfinished(state, progress)).flatMap(remaining);
}

function remaining(progress: FileProgress): readonly Selector[] {
  const { file, selectors, tests, openTests } = progress;
  const isWhole = openTests === tests.size || progress.collectSeconds === null;
  if (isWhole && selectors.length > 0) return selectors;
  const nodeids: NodeId[] = [];
  for (const test of tests.values()) if (test.accepted === null) nodeids.push(test.nodeid);
  return [{ kind: 'tests', file, nodeids }];
}

const nextFence = (record: ShardRecord): number =>
  allAttemptsOf(record).reduce((highest, attempt) => Math.max(highest, attempt.fence), 0) + 1;

/** The id of the shard's next attempt. */
export const nextAttemptId = (record: ShardRecord): AttemptId => attemptId(record.shard.id, nextFence(record));

/** The shard's next attempt, ready to be enqueued, with a fence above all earlier ones. null for an unknown shard. */
export function nextAttempt(state: RunState, shard: ShardId, role: AttemptRole): AttemptRequest | null {
  const record = state.shards.get(shard);
  if (record === undefined) return null;
  const fence = nextFence(record);
  const id = attemptId(shard, fence);
  const about = { id, shard, fence, role, ...placed(state, record, role) };
  if (role === 'rerun') return { ...about, ...rerunWork(state, shard) };
  if (role === 'recheck') return { ...about, ...recheckWork(state, shard) };
  const predictedSeconds = [...record.files.values()]
    .filter((progress) => isUnfinished(state, progress))
    .reduce((sum, progress) => sum + unfinishedSeconds(record, progress), 0);
  const avoid = avoidedBy(record, role);
  return { ...about, selectors: attemptSelectors(state, shard), predictedSeconds, avoid };
}

/** What the attempt needs, and the agents that get it if it needs labels. */
function placed(state: RunState, record: ShardRecord, role: AttemptRole): Pick<AttemptRequest, 'needs' | 'lane'> {
  const needs = needsOf(state, record, role);
  if (needs === NO_NEEDS) return {};
  const lane = needs.labels.length === 0 ? null : laneFor(state, needs.labels);
  return lane === null ? { needs } : { needs, lane };
}

/** A backup must not run on the agent that runs the first copy, and a superseded attempt must not return to the agent that held it. */
function avoidedBy(record: ShardRecord, role: AttemptRole): readonly AgentId[] {
  return attemptsOf(record).flatMap(({ state }) => {
    if (state.kind === 'enqueued' || state.agent === null) return [];
    const isRunning = state.kind !== 'ended';
    const wasTakenBack = !isRunning && state.ending.kind === 'interrupted' && state.ending.by === 'superseded';
    return (role === 'backup' && isRunning) || wasTakenBack ? [state.agent] : [];
  });
}
