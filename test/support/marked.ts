// Finds what a test left running: processes inherit their environment, so a mark in it finds them wherever they went.

import { readdir, readFile } from 'node:fs/promises';

/** Pid and command line of each process whose environment has `CHAOS_MARK=<mark>`. Linux only. */
export async function marked(mark: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const read = (name: string): Promise<string> => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
      const isMarked = (await read('environ')).includes(`CHAOS_MARK=${mark}\0`);
      return isMarked ? [`${pid} ${(await read('cmdline')).replaceAll('\0', ' ').trim()}`] : [];
    }),
  );
  return found.flat();
}
