// How much of the disk a directory takes.

import { execa } from 'execa';

/** A directory of a million files on a slow disk. */
const LIMIT_MS = 10 * 60_000;

/**
 * In bytes, as the file system stores it. Counts a file with several names once. null if `signal` aborts, or `du` is missing or does not
 * answer in time.
 */
export async function diskUse(directory: string, signal: AbortSignal): Promise<number | null> {
  // It also fails if a file is removed meanwhile, and has counted the others then.
  const limits = { timeout: LIMIT_MS, cancelSignal: signal, killSignal: 'SIGKILL' } as const;
  const { stdout } = await execa('du', ['-sk', '--', directory], { reject: false, stdin: 'ignore', ...limits });
  const found = /^\d+/.exec(stdout ?? '');
  return found === null ? null : Number(found[0]) * 1024;
}
