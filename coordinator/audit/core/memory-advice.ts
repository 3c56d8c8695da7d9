// How many xdist workers this machine's memory bears, by what one of them was measured to hold.

/** Part of the memory that workers may fill; the rest is for the system, pytest's main process and Redis. */
const USABLE = 0.8;
/** Memory that grew by this factor since collection is worth a limit. */
const GROWTH = 2;

export interface MemoryAdvice {
  readonly peakBytes: number;
  readonly workers: number;
  readonly memoryBytes: number;
  /** How many workers of this size fit, at least 1. */
  readonly fitting: number;
  readonly doAllFit: boolean;
  /** Replace workers that hold more than this; null where they did not grow so much since collection that it would help. */
  readonly limitBytes: number | null;
}

/** null where no worker told what it held. */
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
