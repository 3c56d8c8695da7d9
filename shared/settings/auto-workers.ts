// Computes the upper limit of `auto` from the limits of the machine or container.

/**
 * The resources of this process. `cpus` may be a fraction (a cgroup quota); `memoryBytes` is the smaller limit of machine and container.
 */
export interface MachineLimits {
  readonly cpus: number;
  readonly memoryBytes: number;
}

/** Assumed memory of one xdist worker. It is also a setting, because suites differ. */
export const DEFAULT_WORKER_BYTES = 300_000_000;

/** A machine with less memory than this gets at most two xdist workers. */
const SMALL_MACHINE_BYTES = 4_000_000_000;
const SMALL_MACHINE_WORKERS = 2;

/** The number of whole processors, or of workers that fit in memory if that is smaller; at least 1. */
export function maxAutoWorkers(limits: MachineLimits, workerBytes: number = DEFAULT_WORKER_BYTES): number {
  const byCpu = Math.max(1, Math.floor(limits.cpus));
  const byMemory = Math.max(1, Math.floor(limits.memoryBytes / workerBytes));
  const bySize = limits.memoryBytes < SMALL_MACHINE_BYTES ? SMALL_MACHINE_WORKERS : Number.POSITIVE_INFINITY;
  return Math.min(byCpu, byMemory, bySize);
}
