// Updates pytest's cache in the workspace as plain pytest would.

import { resolve } from 'node:path';
import type { Report } from '../../shared/domain/report.ts';
import { messageOf } from '../../shared/errors.ts';
import { readCacheValues, writeCacheFiles } from '../../shared/pytest/cache-directory.ts';
import { cacheFiles } from '../core/learn/cache-text.ts';
import { cachedRun } from '../core/learn/cached-run.ts';
import { nextCache } from '../core/learn/pytest-cache.ts';
import type { RunState } from '../core/state/run-state.ts';

/** Resolves with the reason why the cache could not be written, which fails no run; null if it was written. */
export async function leaveCache(state: RunState, report: Report, workspace: string): Promise<string | null> {
  const { cache } = state.opened;
  if (cache === null) return null;
  const directory = resolve(workspace, cache.directory);
  try {
    const old = await readCacheValues(directory);
    const next = nextCache(old, cachedRun(state, report, cache, localTime(new Date())));
    await writeCacheFiles(directory, cacheFiles(old, next, cache.pytest));
    return null;
  } catch (thrown) {
    return `could not write pytest's cache in ${directory}, so --lf does not see this run: ${messageOf(thrown)}`;
  }
}

/** The format of Python's `datetime.now().isoformat()`. */
function localTime(now: Date): string {
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, -1);
  return `${local}000`;
}
