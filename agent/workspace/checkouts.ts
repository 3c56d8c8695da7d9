// The checkouts of an agent's cache, shared by all agents of a user on one machine. A checkout belongs to one run at a time, which holds its
// directory. Beside each, `ID.json` says what is in it.

import { randomUUID } from 'node:crypto';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ShardlineError } from '../../shared/errors.ts';
import { diskUse } from '../../shared/system/files/disk-use.ts';
import { holdDirectory } from '../../shared/system/files/hold-directory.ts';
import { makeDirectory } from '../../shared/system/files/make-directory.ts';
import { PRIVATE, replaceFile } from '../../shared/system/files/replace-file.ts';

const noteSchema = z.object({
  /** A digest of the lock files and the command with which it was prepared; null while it is not prepared. */
  prepared: z.string().nullable(),
  /** Milliseconds since the epoch. */
  usedAt: z.number(),
});
type Note = z.infer<typeof noteSchema>;

/** A checkout that the caller holds, until it disposes of it. */
export interface HeldCheckout extends AsyncDisposable {
  readonly directory: string;
}

/** `folder` is the repository's folder in the cache. */
const checkoutsOf = (folder: string): string => join(folder, 'checkouts');
const noteOf = (directory: string): string => `${directory}.json`;

export const writeNote = (directory: string, note: Note): Promise<void> => replaceFile(noteOf(directory), JSON.stringify(note), PRIVATE);

/** Takes the most recently used free checkout of the repository that was prepared in this way; null if there is none. */
export async function takePrepared(folder: string, prepared: string): Promise<HeldCheckout | null> {
  const all = await notesIn(folder);
  for (const { directory, note } of all.sort((left, right) => right.note.usedAt - left.note.usedAt)) {
    const held = note.prepared === prepared ? await tryHold(directory) : null;
    if (held !== null) return held;
  }
  return null;
}

/** Makes an empty directory for a checkout. */
export async function takeNew(folder: string): Promise<HeldCheckout> {
  for (;;) {
    const directory = join(checkoutsOf(folder), randomUUID());
    makeDirectory(directory, PRIVATE.directory);
    // Another agent that removes old checkouts may have been faster.
    const held = await tryHold(directory);
    if (held !== null) return held;
  }
}

/** How much the cache may hold: checkouts, and bytes of them and of their repositories; null for any size. */
export interface CacheLimits {
  readonly keep: number;
  readonly maxBytes: number | null;
  /** Called when the bytes of the cache could not be measured; then `maxBytes` limits nothing. */
  readonly unmeasured: () => void;
}

/**
 * Removes the checkouts of all repositories that were not used for the longest time, until the cache is small enough or `signal` aborts. Never
 * removes one in use.
 */
export async function removeOldest(cache: string, { keep, maxBytes, unmeasured }: CacheLimits, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const folders = await readdir(cache).catch(() => []);
  const all = (await Promise.all(folders.map((name) => notesIn(join(cache, name))))).flat();
  let excess = all.length - keep;
  const bytes = maxBytes === null ? null : await diskUse(cache, signal);
  let excessBytes = maxBytes === null || bytes === null ? 0 : bytes - maxBytes;
  if (maxBytes !== null && bytes === null && !signal.aborted) unmeasured();
  for (const { directory } of all.sort((left, right) => left.note.usedAt - right.note.usedAt)) {
    if (signal.aborted || (excess <= 0 && excessBytes <= 0)) return;
    const held = await tryHold(directory);
    if (held === null) continue;
    if (excessBytes > 0) excessBytes -= (await diskUse(directory, signal)) ?? 0;
    await removeCheckout(held);
    excess -= 1;
  }
}

async function removeCheckout(held: HeldCheckout): Promise<void> {
  await using checkout = held;
  await rm(checkout.directory, { recursive: true, force: true });
  await rm(noteOf(checkout.directory), { force: true });
}

async function notesIn(folder: string): Promise<{ directory: string; note: Note }[]> {
  const names = await readdir(checkoutsOf(folder), { withFileTypes: true }).catch(() => []);
  const directories = names.filter((entry) => entry.isDirectory()).map(({ name }) => join(checkoutsOf(folder), name));
  return await Promise.all(directories.map(async (directory) => ({ directory, note: await readNote(directory) })));
}

/** A checkout without a readable note is not prepared, and counts as last used when it was made. */
async function readNote(directory: string): Promise<Note> {
  try {
    return noteSchema.parse(JSON.parse(await readFile(noteOf(directory), 'utf8')));
  } catch {
    const made = await stat(directory).catch(() => null);
    return { prepared: null, usedAt: made?.mtimeMs ?? 0 };
  }
}

/** null if another run holds it, or if it is gone. */
async function tryHold(directory: string): Promise<HeldCheckout | null> {
  try {
    const hold = await holdDirectory(directory);
    if (await stat(directory).catch(() => null)) return { directory, [Symbol.asyncDispose]: () => hold[Symbol.asyncDispose]() };
    await hold[Symbol.asyncDispose]();
    return null;
  } catch (thrown) {
    const isGone = thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
    if (isGone || (thrown instanceof ShardlineError && thrown.code === 'out-in-use')) return null;
    throw thrown;
  }
}
