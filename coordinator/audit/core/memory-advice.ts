// Computes how many xdist workers fit in this machine's memory, from the measured memory of one.

/** Share of the memory that xdist workers may fill. The rest is for the system, pytest's main process and Redis. */
const USABLE = 0.8;
/** A memory limit is worth suggesting if memory grew by this factor since collection. */
const GROWTH = 2;

export interface MemoryAdvice {
  readonly peakBytes: number;
  readonly workers: number;
  readonly memoryBytes: number;
  /** Number of xdist workers of this size that fit, at least 1. */
  readonly fitting: number;
  readonly doAllFit: boolean;
  /** Memory above which an xdist worker should be replaced; null if the workers grew too little since collection for that to help. */
  readonly limitBytes: number | null;
}

/** Returns null if no xdist worker reported its memory. */
export function adviseMemory(
  measured: { readonly peakRssBytes: number; readonly collectedRssBytes: number; readonly workers: number },
  memoryBytes: number,
): MemoryAdvice | null {
  const { peakRssBytes: peakBytes, collectedRssBytes, workers } = measured;
  if (peakBytes === 0 || workers === 0) return null;
  const fitting = Math.max(1, Math.floor((USABLE * memoryBytes) / peakBytes));
  const grew = collectedRssBytes > 0 && peakBytes > GROWTH * collectedRssBytes;
  return {
    peakBytes,
    workers,
    memoryBytes,
    fitting,
    doAllFit: workers * peakBytes <= USABLE * memoryBytes,
    limitBytes: grew ? (peakBytes + collectedRssBytes) / 2 : null,
  };
}
