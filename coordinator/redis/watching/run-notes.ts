// Writes and reads the notes that runs leave for people who watch a pool.

import type { Redis } from 'ioredis';
import type { RunId } from '../../../shared/domain/ids.ts';
import { ShardlineError } from '../../../shared/errors.ts';
import { NOTE_LIFE_SECONDS, runKeys } from '../../../shared/redis/keys.ts';
import { decodeNote, encodeNote, type RunNote } from '../../../shared/wire/run-note.ts';

export async function writeNote(redis: Redis, run: RunId, note: RunNote): Promise<void> {
  await redis.set(runKeys(run).note, encodeNote(note), 'EX', NOTE_LIFE_SECONDS);
}

/** null if the run left none, or one that another version wrote. */
export async function readNote(redis: Redis, run: RunId): Promise<RunNote | null> {
  const text = await redis.get(runKeys(run).note);
  try {
    return text === null ? null : decodeNote(text, `the note of run ${run}`);
  } catch (thrown) {
    if (thrown instanceof ShardlineError) return null;
    throw thrown;
  }
}
