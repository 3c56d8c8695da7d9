// Stores durations of earlier runs in one file.

import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { History } from '../../shared/domain/timings.ts';
import { messageOf, reasonOf, ShardlineError } from '../../shared/errors.ts';
import { makeDirectory } from '../../shared/system/make-directory.ts';
import { decodeHistory, encodeHistory, storable } from '../../shared/wire/timings.ts';
import type { OnDropped, TimingStore } from '../ports.ts';

const NOTHING: History = { files: new Map(), startSeconds: null };

/**
 * A missing file is an empty history. Drops unusable entries. `load` throws `bad-config` if the file is no timings file, `save` throws
 * `output-not-writable`.
 */
export function fileTimingStore(path: string, onDropped: OnDropped): TimingStore {
  const read = async (): Promise<ReturnType<typeof decodeHistory>> => {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (thrown) {
      const isMissing = thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR');
      if (isMissing) return { history: NOTHING, dropped: 0 };
      throw unusable(path, thrown);
    }
    try {
      return decodeHistory(text, path);
    } catch (thrown) {
      if (thrown instanceof ShardlineError && thrown.code === 'bad-message') throw unusable(path, thrown);
      throw thrown;
    }
  };
  return {
    async load() {
      const { history, dropped } = await read();
      if (dropped > 0) onDropped(dropped, path);
      return history;
    },
    async save(measured) {
      const { history, dropped } = storable(measured);
      if (dropped > 0) onDropped(dropped, 'this run');
      const { history: old } = await read();
      const all = { files: new Map([...old.files, ...history.files]), startSeconds: history.startSeconds ?? old.startSeconds };
      const unfinished = `${path}.${process.pid}.tmp`;
      try {
        makeDirectory(dirname(path));
        await writeFile(unfinished, encodeHistory(all));
        // A concurrent reader finds the old file or the new one, never half of one.
        await rename(unfinished, path);
      } catch (thrown) {
        await rm(unfinished, { force: true }).catch(() => undefined);
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
