// What the steps of one run share.

import type { RunId } from '../../shared/domain/ids.ts';
import type { RunSettings } from '../../shared/settings/settings.ts';
import { systemClock } from '../../shared/system/clock.ts';
import type { Edge } from '../../shared/system/edge.ts';
import type { Logger } from '../../shared/system/logger.ts';
import type { Judgement } from '../core/result/judge.ts';

/** How long a run that is over waits for Redis to forget it, or to remember its durations. */
export const CLOSE_MS = 2000;

/** The same under a deadline: a part of what is left, as the report comes after it. */
export function closeMs({ settings, startedAt }: Setting): number {
  if (settings.deadlineSeconds === null) return CLOSE_MS;
  const leftMs = startedAt + settings.deadlineSeconds * 1000 - Date.now();
  return Math.min(CLOSE_MS, Math.max(0, leftMs / 4));
}

/** Everything one run needs that is the same from beginning to end. */
export interface Setting {
  readonly settings: RunSettings;
  readonly edge: Edge;
  readonly id: RunId;
  readonly startedAt: number;
  /** How often the run was resumed: agents that are started now are others than those before. */
  readonly resumes: number;
  readonly python: string;
  readonly out: string;
  /** What the report is to say beyond the run itself. */
  readonly judgement: Judgement;
  readonly logger: Logger;
}

/** Waits, but not for ever: what comes after must not hang on a server that is gone. */
export async function within(ms: number, work: Promise<void>): Promise<void> {
  if (await endsWithin(ms, work)) await work;
}

/** Did the work end, well or badly, before `ms` were over? */
export async function endsWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  const late = new AbortController();
  const limit = systemClock.wait(Math.max(0, ms), late.signal).then(
    () => false,
    () => false,
  );
  const ended = work.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([ended, limit]);
  } finally {
    late.abort();
  }
}
