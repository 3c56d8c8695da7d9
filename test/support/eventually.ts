// Waiting in tests: for a condition, with an end.

import { setTimeout as delay } from 'node:timers/promises';

/** Resolves once `holds` is true; rejects, naming `what`, when it is not so in `seconds`. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>, seconds = 60): Promise<void> {
  for (const until = Date.now() + seconds * 1000; ; await delay(20)) {
    if (await holds()) return;
    if (Date.now() > until) throw new Error(`after ${seconds} s still not: ${what}`);
  }
}

/** Is a process of that id there? */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
