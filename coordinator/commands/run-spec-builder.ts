// Builds a run's announcement to the agents, and the first event of its log.

import type { Drain, RunSpec } from '../../shared/domain/run-spec.ts';
import type { FilesPrint } from '../../shared/domain/suite/fingerprint.ts';
import { KEY_LIFE_SECONDS } from '../../shared/redis/keys.ts';
import type { DeadlineTimes } from '../core/state/deadline.ts';
import type { Deadline, RunOpened } from '../core/state/events.ts';
import type { Setting } from './run-context.ts';

/** How many attempts one shard gets before its unfinished tests are given up. */
const ATTEMPT_LIMIT = 3;

/** The life of a run's keys without one, in milliseconds. */
const LIFE_MS = KEY_LIFE_SECONDS * 1000;
/** How much longer than its deadline a run may be joined, for its reports. */
const LATE_MS = 5 * 60 * 1000;

/**
 * The run as announced before its suite is known: with the collection mode and the failure limit from the command line. `aheadMs` as for
 * `drainOf`.
 */
export const specOf = (
  { settings, id }: Setting,
  pytestArgs: readonly string[],
  files: FilesPrint | null,
  drain: Drain | null,
  aheadMs = 0,
): RunSpec => ({
  runId: id,
  pool: settings.pool,
  collect: settings.collect,
  pytestArgs,
  cache: null,
  mayMiss: settings.failed,
  maxfail: settings.maxfail ?? 0,
  harmless: settings.harmless,
  serialMarker: settings.serialMarker,
  stopsItself: settings.reruns.times === 0,
  testTimeoutSeconds: settings.testTimeoutSeconds,
  relay: settings.relay,
  fingerprintPolicy: settings.fingerprint,
  files,
  maxWorkerBytes: settings.maxWorkerBytes,
  maxWorkerFiles: settings.maxWorkerFiles,
  // The pool of CI jobs lives as long as one run.
  ...(settings.redis === null ? {} : { unitsIn: settings.suite ?? settings.pool }),
  openedAt: Date.now() + aheadMs,
  expiresAt: expiryOf(drain, Date.now() + aheadMs),
  priority: settings.priority,
  drain,
});

/** A run may be resumed as long as its keys live, or until its deadline is over. */
const expiryOf = (drain: Drain | null, openedAt: number): number =>
  drain === null ? openedAt + LIFE_MS : drain.at + drain.killMs + LATE_MS;

/** The fields of a run that its preparation found. */
type Found = Pick<
  RunOpened,
  | 'spec'
  | 'shards'
  | 'affinity'
  | 'part'
  | 'origin'
  | 'digests'
  | 'failedWhole'
  | 'companions'
  | 'loads'
  | 'acceptsNoTests'
  | 'junitXml'
  | 'failureChances'
  | 'knownTests'
  | 'collectErrors'
  | 'preparation'
  | 'coverage'
  | 'cache'
  | 'python'
  | 'resources'
  | 'onlyAgents'
>;

/** The first event of a run. */
export function openingOf({ settings, startedAt }: Setting, deadline: Deadline | null, found: Found): RunOpened {
  return {
    kind: 'run-opened',
    at: Date.now(),
    startedAt,
    attemptLimit: ATTEMPT_LIMIT,
    crashLimit: settings.crashLimit,
    reruns: settings.reruns,
    flakyFails: settings.flakyFails,
    waitAgentSeconds: settings.waitAgentsSeconds,
    deadline,
    speculate: settings.speculate === 'auto',
    order: settings.order,
    restarted: null,
    ...found,
  };
}

/** `aheadMs`: by how many milliseconds the agreed clock is ahead of this machine's. */
export const drainOf = ({ drainAt, interruptAt, killAt }: DeadlineTimes, aheadMs: number): Drain => ({
  at: drainAt + aheadMs,
  interruptMs: interruptAt - drainAt,
  killMs: killAt - drainAt,
});
