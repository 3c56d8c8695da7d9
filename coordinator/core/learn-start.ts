// What one run teaches about the fixed cost of a shard where each gets a pytest of its own: from its attempt's start to its first test.

import { blend } from './learn.ts';
import { attemptsOf, type RunState, type ShardRecord } from './run-state.ts';

/**
 * The new value in seconds, blended with the old one as durations are; null where nothing was measured, now or before. It is the median of the shards'
 * first attempts, by their agents' clocks and without what collection took, which is known of each file by itself.
 */
export function learnStart(old: number | null, state: RunState): number | null {
  if (state.opened.spec.engine !== 'process') return old;
  const starts = [...state.shards.values()].map(startSeconds).filter((seconds) => seconds !== null);
  const measured = starts.sort((left, right) => left - right)[Math.floor(starts.length / 2)];
  return measured === undefined ? old : blend(old, measured);
}

function startSeconds(record: ShardRecord): number | null {
  const [first] = attemptsOf(record);
  if (first === undefined || first.startedAt === null || first.firstTestAt === null) return null;
  const collectSeconds = [...record.files.values()].reduce((sum, file) => sum + (file.collectSeconds ?? 0), 0);
  return Math.max(0, (first.firstTestAt - first.startedAt) / 1000 - collectSeconds);
}
