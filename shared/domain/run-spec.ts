// What an agent needs to know to join a run: nothing about the plan, all about how pytest is to be called.

import type { FilesPrint, FingerprintPolicy } from './fingerprint.ts';
import type { RunId } from './ids.ts';
import type { CacheValues } from './pytest-cache.ts';
import type { CollectChoice } from './suite-list.ts';

/** Whether a fed xdist worker's reports go through xdist's controller too: where something of the user's there needs them, always, or never. */
export const relays = ['auto', 'always', 'never'] as const;
export type Relay = (typeof relays)[number];

/**
 * Written once by the coordinator, before it knows the suite: agents start their pytest while it is discovered. `collect` is what the user asks for;
 * how the suite is collected follows as a command. `pytestArgs` are the user's own arguments, paths included and relative to the workspace, exactly as
 * plain pytest would get them. `maxfail` 0 means no limit. The record of the run has `collect` and `maxfail` as they were decided.
 */
export interface RunSpec {
  readonly version: 2;
  readonly runId: RunId;
  readonly pool: string;
  readonly collect: CollectChoice;
  readonly pytestArgs: readonly string[];
  readonly maxfail: number;
  /** Whether tests that `pytestArgs` name may be gone (`--failed`). */
  readonly mayMiss?: boolean | undefined;
  /** What pytest reads from its cache in the coordinator's workspace; null where no option (`--lf`, `--ff`, `--nf`, `--sw`) reads it. */
  readonly cache: CacheValues | null;
  /** Conftest files, plugins or single hooks that the user declares to treat each test by itself. */
  readonly harmless: readonly string[];
  /** The pytest mark of tests that must run alone. */
  readonly serialMarker: string;
  /** Does pytest stop at its own -x or --maxfail? Where failed tests may be run again only the run as a whole can tell. */
  readonly stopsItself: boolean;
  /** For set-up, call and teardown of one test; null when nobody says. */
  readonly testTimeoutSeconds: number | null;
  readonly relay: Relay;
  /** Resident memory in bytes, and number of files, after which a fed xdist worker is replaced; 0 means no limit. */
  readonly maxWorkerBytes: number;
  readonly maxWorkerFiles: number;
  readonly fingerprintPolicy: FingerprintPolicy;
  /** Of the coordinator's workspace; null where no agent is to compare its own with it. */
  readonly files: FilesPrint | null;
  /** By the agreed clock. */
  readonly openedAt: number;
  /** null without a deadline. */
  readonly drain: Drain | null;
}

/**
 * When a run with a deadline ends, also for an agent that the coordinator does not reach: at `at` (milliseconds since the epoch by the Redis server's
 * clock) nothing further is begun; `interruptMs` later what still runs is interrupted, and `killMs` after `at` it is killed.
 */
export interface Drain {
  readonly at: number;
  readonly interruptMs: number;
  readonly killMs: number;
}
