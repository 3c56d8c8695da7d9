// Stores durations of earlier runs in one file.

import { readFile } from 'node:fs/promises';
import { messageOf, reasonOf, ShardlineError } from '../../shared/errors.ts';
import { replaceFile } from '../../shared/system/files/replace-file.ts';
import { decodeTimings, encodeTimings, type SoundTimings, storable } from '../../shared/wire/suite/timings.ts';
import type { OnDropped, TimingStore } from '../ports.ts';

/**
 * A missing file has no durations. Drops unusable entries. `load` throws `bad-config` if the file is no timings file, `save` throws
 * `output-not-writable`.
 */
export function fileTimingStore(path: string, onDropped: OnDropped): TimingStore {
  const read = async (): Promise<SoundTimings> => {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (thrown) {
      const isMissing = thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR');
      if (isMissing) return { timings: new Map(), dropped: 0 };
      throw unusable(path, thrown);
    }
    try {
      return decodeTimings(text, path);
    } catch (thrown) {
      if (thrown instanceof ShardlineError && thrown.code === 'bad-message') throw unusable(path, thrown);
      throw thrown;
    }
  };
  return {
    async load() {
      const { timings, dropped } = await read();
      if (dropped > 0) onDropped(dropped, path);
      return timings;
    },
    async save(measured) {
      const { timings, dropped } = storable(measured);
      if (dropped > 0) onDropped(dropped, 'this run');
      const { timings: old } = await read();
      try {
        await replaceFile(path, encodeTimings(new Map([...old, ...timings])));
      } catch (thrown) {
        throw new ShardlineError('output-not-writable', { path, problem: reasonOf(thrown) }, { cause: thrown });
      }
    },
  };
}

/** Takes only the problem from an error: its usual fix does not apply to this file. */
const problemOf = (thrown: unknown): string =>
  thrown instanceof ShardlineError ? String(thrown.values.problem ?? thrown.message) : messageOf(thrown);

const unusable = (path: string, thrown: unknown): ShardlineError =>
  new ShardlineError(
    'bad-config',
    {
      problem: `Could not read the timings file ${path}: ${problemOf(thrown)}`,
      fix: 'Pass another file with --timings, or delete this one; the next run creates it again.',
    },
    { cause: thrown },
  );
