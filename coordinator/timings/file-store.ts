// Durations of earlier runs, kept in one file.

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, ShardlineError } from '../../shared/errors.ts';
import type { History } from '../../shared/timings.ts';
import { decodeHistory, encodeHistory } from '../../shared/wire/timings.ts';
import type { TimingStore } from '../ports.ts';

/** A file that is not there yet is an empty history. `load` throws `bad-config` for one that cannot be used, `save` `output-not-writable`. */
export function fileTimingStore(path: string): TimingStore {
  const load = async (): Promise<History> => {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (thrown) {
      if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return { files: new Map(), startSeconds: null };
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
    load,
    async save({ files, startSeconds }) {
      const old = await load();
      const all = { files: new Map([...old.files, ...files]), startSeconds: startSeconds ?? old.startSeconds };
      const unfinished = `${path}.${process.pid}.tmp`;
      try {
        await mkdir(dirname(path), { recursive: true });
        await writeFile(unfinished, encodeHistory(all));
        // Whoever reads meanwhile finds the old file or the new one, never half of one.
        await rename(unfinished, path);
      } catch (thrown) {
        throw new ShardlineError('output-not-writable', { path, problem: messageOf(thrown) }, { cause: thrown });
      }
    },
  };
}

/** Of a message that was not understood only what is wrong with it: why and how to mend it is another matter here. */
const problemOf = (thrown: unknown): string =>
  thrown instanceof ShardlineError ? String(thrown.values.problem ?? thrown.message) : messageOf(thrown);

const unusable = (path: string, thrown: unknown): ShardlineError =>
  new ShardlineError(
    'bad-config',
    {
      problem: `The timings file ${path} could not be used: ${problemOf(thrown)}`,
      fix: 'Name another with --timings, or delete it: it is learned anew.',
    },
    { cause: thrown },
  );
