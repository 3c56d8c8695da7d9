// Stores censuses of earlier runs in one file beside the durations.

import { readFile } from 'node:fs/promises';
import { reasonOf, ShardlineError } from '../../shared/errors.ts';
import { replaceFile } from '../../shared/system/files/replace-file.ts';
import { decodeCensus, decodeCensusFile, encodeCensus, encodeCensusFile } from '../../shared/wire/suite/census.ts';
import type { CensusStore } from '../ports.ts';

/** Number of keys kept: enough for a few sets of options used in turn. */
const KEPT = 8;

/** A missing or unreadable file counts as empty: the next run takes the census again. `save` throws `output-not-writable`. */
export function censusFile(path: string): CensusStore {
  const entries = async (): Promise<ReadonlyMap<string, string>> => {
    try {
      return decodeCensusFile(await readFile(path, 'utf8'), path);
    } catch {
      return new Map();
    }
  };
  return {
    async load(key) {
      const text = (await entries()).get(key);
      try {
        return text === undefined ? null : decodeCensus(text, path);
      } catch {
        return null;
      }
    },
    async save(key, census) {
      const others = [...(await entries())].filter(([known]) => known !== key);
      try {
        await replaceFile(path, encodeCensusFile(new Map([...others.slice(1 - KEPT), [key, encodeCensus(census)]])));
      } catch (thrown) {
        throw new ShardlineError('output-not-writable', { path, problem: reasonOf(thrown) }, { cause: thrown });
      }
    },
  };
}
