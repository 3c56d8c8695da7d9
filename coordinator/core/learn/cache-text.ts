// Formats the files of pytest's cache, byte for byte as the given pytest version writes them.

import type { CacheValues, StepwiseValue } from '../../../shared/domain/suite/pytest-cache.ts';
import type { NextCache } from './pytest-cache.ts';

/** A file below the cache directory with its new content. */
export interface CacheFile {
  readonly key: 'cache/lastfailed' | 'cache/nodeids' | 'cache/stepwise';
  readonly text: string;
}

/** The files that this version of pytest would write. pytest leaves `lastfailed` alone if nothing changed. */
export function cacheFiles(old: CacheValues, next: NextCache, pytest: string): readonly CacheFile[] {
  const asText = isAtLeast(pytest, 7, 2) ? quote : quoteAscii;
  const files: CacheFile[] = [];
  if (!isSameSet(old.lastfailed, next.lastfailed)) files.push({ key: 'cache/lastfailed', text: objectText(next.lastfailed, asText) });
  files.push({ key: 'cache/nodeids', text: listText(next.nodeids, asText) });
  const isRecord = isAtLeast(pytest, 8, 4);
  if (next.stepwise !== undefined) files.push({ key: 'cache/stepwise', text: stepwiseText(next.stepwise, isRecord, asText) });
  // Before pytest 8.4, a run without --sw forgets where the last run with --sw stopped.
  else if (!isRecord) files.push({ key: 'cache/stepwise', text: '[]' });
  return files;
}

type AsText = (text: string) => string;

const objectText = (ids: readonly string[], asText: AsText): string =>
  ids.length === 0 ? '{}' : `{\n${ids.map((id) => `  ${asText(id)}: true`).join(',\n')}\n}`;

const listText = (ids: readonly string[], asText: AsText): string =>
  ids.length === 0 ? '[]' : `[\n${ids.map((id) => `  ${asText(id)}`).join(',\n')}\n]`;

function stepwiseText(value: StepwiseValue, isRecord: boolean, asText: AsText): string {
  const last = typeof value === 'string' || value === null ? value : value.last_failed;
  const lastText = last === null ? 'null' : asText(last);
  if (!isRecord || typeof value === 'string' || value === null) return lastText;
  const { last_test_count: count, last_cache_date_str: date } = value;
  return `{\n  "last_failed": ${lastText},\n  "last_test_count": ${count},\n  "last_cache_date_str": ${asText(date)}\n}`;
}

const quote: AsText = (text) => JSON.stringify(text);

const quoteAscii: AsText = (text) =>
  JSON.stringify(text).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

function isAtLeast(version: string, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

function isSameSet(left: readonly string[], right: readonly string[]): boolean {
  const known = new Set(left);
  return known.size === new Set(right).size && right.every((id) => known.has(id));
}
