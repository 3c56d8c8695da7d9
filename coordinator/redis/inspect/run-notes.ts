// Writes and reads the notes of runs.

import { type Redis, ReplyError } from 'ioredis';
import type { RunId } from '../../../shared/domain/ids.ts';
import { ShardlineError } from '../../../shared/errors.ts';
import { NOTE_LIFE_SECONDS, runKeys } from '../../../shared/redis/keys.ts';
import { decodeNote, encodeNote, type RunNote } from '../../../shared/wire/run-note.ts';
import { readScript } from '../read-script.ts';

const WRITE = readScript('write-note');

/** Does nothing if a coordinator with a higher epoch has the run. */
export async function writeNote(redis: Redis, run: RunId, epoch: number, note: RunNote): Promise<void> {
  const keys = runKeys(run);
  const isOpen = note.state.kind === 'running' ? 1 : 0;
  await redis.eval(WRITE, 2, keys.coordinator, keys.note, epoch, encodeNote(note), NOTE_LIFE_SECONDS, isOpen);
}

/** null if the run has none that this version can read. */
export async function readNote(redis: Redis, run: RunId): Promise<RunNote | null> {
  try {
    const text = await redis.get(runKeys(run).note);
    return text === null ? null : decodeNote(text, `the note of run ${run}`);
  } catch (thrown) {
    // The key may have another type, or the account may not read it. The run can be shown without its note.
    if (thrown instanceof ShardlineError || thrown instanceof ReplyError) return null;
    throw thrown;
  }
}
