// pytest's cache on its way to the agents: every one of them selects by what failed in the coordinator's workspace, and not in its own.

import { readCacheValues } from '../../shared/pytest/cache-directory.ts';
import type { CacheValues, FoundCache } from '../../shared/pytest-cache.ts';
import { namesCacheOption } from '../core/cache-options.ts';
import { configTexts } from '../discovery/option-texts.ts';
import type { Setting } from './setting.ts';

/** How much of it goes into a run's announcement. */
const SHIPPED_CHARS = 8_000_000;

/**
 * Without a cache option nothing is waited for: agents start their pytest while `finding` goes on. Resolves with null where no option reads the cache,
 * and where discovery fails, which says so itself.
 */
export async function cacheToShip(
  { settings, edge }: Setting,
  pytestArgs: readonly string[],
  finding: Promise<FoundCache | null>,
): Promise<CacheValues | null> {
  const texts = [...pytestArgs, edge.env.PYTEST_ADDOPTS ?? '', ...(await configTexts(settings.workspace))];
  if (!texts.some(namesCacheOption)) return null;
  const found = await finding.catch(() => null);
  if (found === null || !found.isUsed) return null;
  const values = await readCacheValues(found.directory);
  if (JSON.stringify(values).length <= SHIPPED_CHARS) return values;
  edge.stderr.write(`shardline: pytest's cache in ${found.directory} is too large to send to agents; each agent uses its own\n`);
  return null;
}
