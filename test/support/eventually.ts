// Waits in tests for a condition, with a time limit.

import { setTimeout as delay } from 'node:timers/promises';

/** Resolves once `holds` returns true. Rejects with `what` if that takes longer than `seconds`. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>, seconds = 60): Promise<void> {
  for (const until = Date.now() + seconds * 1000; ; await delay(20)) {
    if (await holds()) return;
    if (Date.now() > until) throw new Error(`after ${seconds} s still not: ${what}`);
  }
}

/** Does a process with this id exist? */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
