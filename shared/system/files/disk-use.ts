// How much of the disk a directory takes.

import { execa } from 'execa';

/** A directory of a million files on a slow disk. */
const LIMIT_MS = 10 * 60_000;

/** In bytes, as the file system stores it; 0 for a directory that does not exist. Counts a file with several names once. */
export async function diskUse(directory: string): Promise<number> {
  // It also fails if a file is removed meanwhile, and has counted the others then.
  const { stdout } = await execa('du', ['-sk', '--', directory], { reject: false, stdin: 'ignore', timeout: LIMIT_MS });
  return Number(/^\d+/.exec(stdout ?? '')?.[0] ?? 0) * 1024;
}
