// Decides who runs a task that was sent ahead to a worker. A claim is a directory: if two processes create it, one succeeds. The worker
// creates it in channel.py.

import { mkdirSync } from 'node:fs';

export interface Claims {
  /** A new claim that no process has taken. */
  next(): string;
  /** Takes the claim for the agent. Returns false when the worker has it, or when the directory cannot be created. */
  take(claim: string): boolean;
}

/** Claims are directories beside `path`. The caller removes the directory around them. */
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
