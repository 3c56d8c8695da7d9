// Finds processes that a test left running: a mark in the environment, which processes inherit, identifies them.

import { readdir, readFile } from 'node:fs/promises';

/** The pid and command line of each process whose environment has `CHAOS_MARK=<mark>`. Linux only. */
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
