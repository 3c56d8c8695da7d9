// Who has a task that lies with a worker: a claim is a directory, and of two processes that make it one succeeds. The worker makes it in channel.py.

import { mkdirSync } from 'node:fs';

export interface Claims {
  /** A name that nobody has claimed. */
  next(): string;
  /** Makes the claim ours; false when the worker has it, as also where it cannot be made at all. */
  take(claim: string): boolean;
}

/** Claims lie beside `path`, in a directory that somebody removes. */
export function createClaims(path: string): Claims {
  let claims = 0;
  return {
    next() {
      claims += 1;
      return `${path}.${claims}`;
    },
    take(claim) {
      try {
        mkdirSync(claim);
        return true;
      } catch {
        return false;
      }
    },
  };
}
