// pytest's cache on its way to the agents: every one of them selects by what failed in the coordinator's workspace, and not in its own.

import type { CacheValues, FoundCache } from '../../shared/domain/pytest-cache.ts';
import { readCacheValues } from '../../shared/pytest/cache-directory.ts';
import { namesCacheOption } from '../core/learn/cache-options.ts';
import { configTexts } from '../discovery/option-texts.ts';

/** How much of it goes into a run's announcement. */
const SHIPPED_CHARS = 8_000_000;

/** Where pytest may find its options, and who hears that a cache is not sent. */
export interface CacheSource {
  readonly workspace: string;
  readonly pytestArgs: readonly string[];
  readonly addopts: string;
  readonly warn: (line: string) => void;
}

/**
 * Without a cache option nothing is waited for: agents start their pytest while `finding` goes on. Resolves with null where no option reads the cache,
 * and where discovery fails, which says so itself.
 */
export async function cacheToShip(
  { workspace, pytestArgs, addopts, warn }: CacheSource,
  finding: Promise<FoundCache | null>,
): Promise<CacheValues | null> {
  // Handled from now on: it may fail before anything waits for it.
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
