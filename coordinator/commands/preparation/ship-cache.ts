// Sends pytest's cache to the agents. All agents then select by the failures in the coordinator's workspace, not in their own.

import type { CacheValues, FoundCache } from '../../../shared/domain/suite/pytest-cache.ts';
import { readCacheValues } from '../../../shared/pytest/cache-directory.ts';
import { namesCacheOption } from '../../core/learn/cache-options.ts';
import { configTexts } from '../../discovery/option-texts.ts';

/** Maximum size of the cache in a run's announcement, in characters. */
const SHIPPED_CHARS = 8_000_000;

/** Where pytest may find its options, and a function to warn that the cache is not sent. */
export interface CacheSource {
  readonly workspace: string;
  readonly pytestArgs: readonly string[];
  readonly addopts: string;
  readonly warn: (line: string) => void;
}

/**
 * If no option reads the cache, this does not wait for `finding`, and agents start their pytest meanwhile. Resolves with null if no option
 * reads the cache, or if discovery fails, which reports its own error.
 */
export async function cacheToShip(
  { workspace, pytestArgs, addopts, warn }: CacheSource,
  finding: Promise<FoundCache | null>,
): Promise<CacheValues | null> {
  // Catches rejections from now on, because the promise may reject before anything awaits it.
  const settled = finding.catch(() => null);
  const texts = [...pytestArgs, addopts, ...(await configTexts(workspace))];
  if (!texts.some(namesCacheOption)) return null;
  const found = await settled;
  if (found === null || !found.isUsed) return null;
  const values = await readCacheValues(found.directory);
  if (JSON.stringify(values).length <= SHIPPED_CHARS) return values;
  warn(`pytest's cache in ${found.directory} is too large to send to agents; each agent uses its own`);
  return null;
}
