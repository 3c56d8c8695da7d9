// The end of what a process printed: a bounded number of bytes, and a count of all of them.

export interface OutputTail {
  add(chunk: Buffer): void;
  /** The end of the output as text, without the first `fromBytes` bytes. */
  text(fromBytes?: number): string;
  /** The number of bytes added so far. */
  printedBytes(): number;
}

/** Keeps at least the last `limitBytes` bytes and returns at most that many. */
export function createOutputTail(limitBytes: number): OutputTail {
  const chunks: Buffer[] = [];
  let keptBytes = 0;
  let printedBytes = 0;
  return {
    add(chunk) {
      chunks.push(chunk);
      keptBytes += chunk.length;
      printedBytes += chunk.length;
      for (let first = chunks[0]; first !== undefined && keptBytes - first.length >= limitBytes; first = chunks[0]) {
        keptBytes -= first.length;
        chunks.shift();
      }
    },
    text(fromBytes = 0) {
      const wantedBytes = Math.min(limitBytes, Math.max(0, printedBytes - fromBytes));
      return wantedBytes === 0 ? '' : Buffer.concat(chunks).subarray(-wantedBytes).toString('utf8');
    },
    printedBytes: () => printedBytes,
  };
}
