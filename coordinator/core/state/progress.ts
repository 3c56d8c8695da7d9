// Measures how far a run has come, in files and in predicted work.

import { isUncollected } from './records.ts';
import { isUnfinished, leftSeconds } from './remaining-work.ts';
import type { RunState } from './run-state.ts';

export interface HowFar {
  readonly filesDone: number;
  readonly files: number;
  /** The completed share of the predicted work, from 0 to 1. */
  readonly share: number;
  /** True once every file has reported its tests; until then more tests exist than are known. */
  readonly isAllCollected: boolean;
}

/** Computes the progress. A split file is done with the last of its parts. */
export function howFar(state: RunState): HowFar {
  const files = new Set<string>();
  const unfinished = new Set<string>();
  let isAllCollected = true;
  let left = 0;
  let whole = 0;
  for (const record of state.shards.values()) {
    // The missing work of a split shard is in its parts, and the parts are in its estimate.
    const isSplit = record.state.kind === 'split';
    if (!record.isPart) whole += record.shard.predictedSeconds;
    if (!isSplit) left += leftSeconds(state, record);
    for (const progress of record.files.values()) {
      files.add(progress.file);
      if (isSplit || !isUnfinished(state, progress)) continue;
      unfinished.add(progress.file);
      if (isUncollected(progress)) isAllCollected = false;
    }
  }
  const filesDone = files.size - unfinished.size;
  const share = whole > 0 ? 1 - left / whole : filesDone / Math.max(1, files.size);
  return { filesDone, files: files.size, share: Math.min(1, Math.max(0, share)), isAllCollected };
}
