// Memory and processor time that the xdist workers of one session have reported.

import { sum } from '../../shared/numbers.ts';
import type { PytestMessage } from './codec.ts';

export interface Usage {
  receive(message: PytestMessage, worker: string): void;
  /** The worker's memory is free again. */
  forget(worker: string): void;
  /** Largest sum of resident memory of all workers alive at one time, in bytes; each counts with its own peak. */
  peakRssBytes(): number;
  /** Processor time of all workers in seconds; each counts up to the end of its last test. */
  cpuSeconds(): number;
}

export function createUsage(): Usage {
  const rssBytes = new Map<string, number>();
  const cpuSeconds = new Map<string, number>();
  let peakRssBytes = 0;
  return {
    receive(message, worker) {
      if (message.kind !== 'test-finished') return;
      cpuSeconds.set(worker, Math.max(message.cpuSeconds, cpuSeconds.get(worker) ?? 0));
      if (message.rssBytes <= (rssBytes.get(worker) ?? 0)) return;
      rssBytes.set(worker, message.rssBytes);
      peakRssBytes = Math.max(peakRssBytes, sum(rssBytes.values()));
    },
    forget: (worker) => void rssBytes.delete(worker),
    peakRssBytes: () => peakRssBytes,
    cpuSeconds: () => sum(cpuSeconds.values()),
  };
}
