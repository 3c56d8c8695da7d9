// How many xdist workers `auto` may become here. Pure arithmetic on what the machine or container allows.

/** What this process may use: `cpus` may be a fraction (a cgroup quota), `memoryBytes` is the smaller of the machine's and the container's. */
export interface MachineLimits {
  readonly cpus: number;
  readonly memoryBytes: number;
}

/** What one xdist worker is taken to need; a setting, as suites differ. */
export const DEFAULT_WORKER_BYTES = 300_000_000;

/** Below this much memory no more than two. */
const SMALL_MACHINE_BYTES = 4_000_000_000;
const SMALL_MACHINE_WORKERS = 2;

/** At least 1: as many as there are whole processors and as fit in memory. */
export function maxAutoWorkers(limits: MachineLimits, workerBytes: number = DEFAULT_WORKER_BYTES): number {
  const byCpu = Math.max(1, Math.floor(limits.cpus));
  const byMemory = Math.max(1, Math.floor(limits.memoryBytes / workerBytes));
  const bySize = limits.memoryBytes < SMALL_MACHINE_BYTES ? SMALL_MACHINE_WORKERS : Number.POSITIVE_INFINITY;
  return Math.min(byCpu, byMemory, bySize);
}
