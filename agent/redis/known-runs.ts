// Which runs of its pool an agent looks at no more: those that it has served, and those that it could not read. It may stay for months, so
// it forgets the runs that are gone.

import { createHash } from 'node:crypto';
import type { RunId } from '../../shared/domain/ids.ts';

/**
 * Served runs that an agent still remembers when they are no longer announced. A coordinator announces its run again after Redis has lost it,
 * and an agent that joined it a second time would number its messages from 1 again.
 */
export const GONE_KEPT = 100;

export function knownRuns() {
  const served = new Set<RunId>();
  /** The digest of each text that could not be read. */
  const unreadable = new Map<RunId, string>();
  return {
    isServed: (run: RunId): boolean => served.has(run),
    serve: (run: RunId): void => void served.add(run),
    /** True when this text of the run could not be read for the first time. */
    isNews(run: RunId, text: string): boolean {
      const digest = createHash('sha256').update(text).digest('base64');
      const isNews = unreadable.get(run) !== digest;
      unreadable.set(run, digest);
      return isNews;
    },
    /** Forgets runs that are not `announced`. */
    forget(announced: Readonly<Record<string, unknown>>): void {
      const isGone = (run: RunId): boolean => !Object.hasOwn(announced, run);
      for (const run of [...unreadable.keys()].filter(isGone)) unreadable.delete(run);
      for (const run of [...served].filter(isGone).slice(0, -GONE_KEPT)) served.delete(run);
    },
    /** How many runs it remembers. */
    size: (): number => served.size + unreadable.size,
  };
}
