// What the coordinator's core costs: processor time, which a busy machine changes less than the time on the clock, and memory.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Seconds of processor time that this thread has spent, without the threads of the garbage collector. */
export function spentSeconds(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1e6;
}

/** The heap in use after a full collection of garbage. */
export function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  collect();
  return process.memoryUsage().heapUsed;
}
