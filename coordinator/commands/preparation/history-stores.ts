// Chooses where a run keeps the durations and the censuses of its suite: in files, in Redis or in both.

import { dirname, join } from 'node:path';
import type { RunSettings } from '../../../shared/settings/settings.ts';
import type { CensusStore, OnDropped, TimingStore } from '../../ports.ts';
import { censusFile } from '../../record/census-file.ts';
import { fileTimingStore } from '../../record/timings-file.ts';

export interface HistoryStores {
  readonly timings: TimingStore;
  readonly census: CensusStore;
}

/**
 * `shared` are the stores in the pool's Redis; null for a run with its own Redis, which ends with the run. Such a run uses files, and so does
 * any run that names a file of durations.
 */
export function historyStores(settings: RunSettings, shared: HistoryStores | null, onDropped: OnDropped): HistoryStores {
  const path = settings.timings ?? join(settings.workspace, '.shardline', 'timings.json');
  const files: readonly HistoryStores[] =
    shared === null || settings.timings !== null
      ? [{ timings: fileTimingStore(path, onDropped), census: censusFile(join(dirname(path), 'census.json')) }]
      : [];
  const stores = [...(shared === null ? [] : [shared]), ...files];
  return { timings: timingStores(stores.map(({ timings }) => timings)), census: censusStores(stores.map(({ census }) => census)) };
}

/** Uses all stores at once. The first store that has the key provides the census. */
function censusStores(stores: readonly CensusStore[]): CensusStore {
  return {
    async load(key) {
      const loaded = await Promise.all(stores.map((store) => store.load(key)));
      return loaded.find((census) => census !== null) ?? null;
    },
    async save(key, census) {
      await Promise.all(stores.map((store) => store.save(key, census)));
    },
  };
}

/** Uses all stores at once. For each file, the entry of the last store wins. */
function timingStores(stores: readonly TimingStore[]): TimingStore {
  return {
    async load() {
      const loaded = await Promise.all(stores.map((store) => store.load()));
      return new Map(loaded.flatMap((timings) => [...timings]));
    },
    async save(timings) {
      await Promise.all(stores.map((store) => store.save(timings)));
    },
  };
}
