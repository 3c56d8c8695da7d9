// Everything an agent needs to join a run: nothing about the plan, and everything about how to call pytest.

import type { RunId } from './ids.ts';
import type { RunSource } from './run-source.ts';
import type { FilesPrint, FingerprintPolicy } from './suite/fingerprint.ts';
import type { CacheValues } from './suite/pytest-cache.ts';
import type { CollectChoice } from './suite/suite-list.ts';

/** Whether a fed xdist worker's reports also pass through xdist's controller: when the user's code there needs them, always, or never. */
export const relays = ['auto', 'always', 'never'] as const;
export type Relay = (typeof relays)[number];

/** The limits of a run's priority; 0 is normal. */
export const PRIORITY = { least: -10, most: 10 } as const;

/**
 * The coordinator writes it once, before it knows the suite, so that agents start their pytest during discovery. `collect` is the user's
 * choice; a later command sets how to collect. `pytestArgs` are the user's own arguments exactly as plain pytest gets them, including paths
 * relative to the workspace. `maxfail` 0 sets no limit. The record of the run has `collect` and `maxfail` as the coordinator decided them.
 */
export interface RunSpec {
  readonly runId: RunId;
  readonly pool: string;
  readonly collect: CollectChoice;
  readonly pytestArgs: readonly string[];
  readonly maxfail: number;
  /** Whether tests that `pytestArgs` name may no longer exist (`--failed`). */
  readonly mayMiss?: boolean | undefined;
  /**
   * The values that pytest reads from its cache in the coordinator's workspace; null when no option (`--lf`, `--ff`, `--nf`, `--sw`) reads
   * it.
   */
  readonly cache: CacheValues | null;
  /** Conftest files, plugins or single hooks that treat each test by itself, as the user declares. */
  readonly harmless: readonly string[];
  /** The pytest mark of tests that must run alone. */
  readonly serialMarker: string;
  /** Whether pytest stops at its own -x or --maxfail. If failed tests may be rerun, only the coordinator can count failures. */
  readonly stopsItself: boolean;
  /** Limit in seconds for setup, call and teardown of one test; null when the user sets none. */
  readonly testTimeoutSeconds: number | null;
  readonly relay: Relay;
  /** A fed xdist worker is replaced above this resident memory in bytes, or after this number of files; 0 sets no limit. */
  readonly maxWorkerBytes: number;
  readonly maxWorkerFiles: number;
  readonly fingerprintPolicy: FingerprintPolicy;
  /** The fingerprint of the coordinator's workspace; null when no agent has to compare its own. */
  readonly files: FilesPrint | null;
  /** Where agents can fetch the files; null or missing when the coordinator knows no repository of them. */
  readonly source?: RunSource | null | undefined;
  /**
   * The pool whose runs share the units of resources with this run. Absent in a run that shares them with none, as with a Redis of its own.
   */
  readonly unitsIn?: string | undefined;
  /** Milliseconds since the epoch by the agreed clock. */
  readonly openedAt: number;
  /** When agents no longer join it, by the same clock: nobody can announce it again later. Absent in runs of an earlier version. */
  readonly expiresAt?: number;
  /** An agent that serves several runs gives its slots to the highest priority first. */
  readonly priority: number;
  /** null without a deadline. */
  readonly drain: Drain | null;
}

/**
 * When a run with a deadline ends, also for an agent that the coordinator cannot reach. At `at` (milliseconds since the epoch by the Redis
 * server's clock) agents start nothing more. `interruptMs` after `at` they interrupt running tests, and `killMs` after `at` they kill them.
 */
export interface Drain {
  readonly at: number;
  readonly interruptMs: number;
  readonly killMs: number;
}
