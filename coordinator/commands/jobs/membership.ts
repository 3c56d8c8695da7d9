// A CI job that has joined the others of its run.

import type { RunId } from '../../../shared/domain/ids.ts';
import { ShardlineError } from '../../../shared/errors.ts';
import type { CiSettings, RunSettings } from '../../../shared/settings/settings.ts';
import type { Edge } from '../../../shared/system/edge.ts';
import type { GroupVerdict } from '../../../shared/wire/group.ts';
import { CLOCK_TOLERANCE_MS } from '../../../shared/wire/trust/certificate.ts';
import type { CiGroup, Joined } from '../../ports.ts';
import type { RunTrust } from '../preparation/run-trust.ts';

export interface Membership {
  readonly settings: CiSettings & { readonly run: RunSettings & { readonly redis: string } };
  readonly edge: Edge;
  readonly group: CiGroup;
  readonly run: RunId;
  readonly joined: Joined;
  /** When this job joined, in milliseconds since the epoch. */
  readonly joinedAt: number;
  /** Whether only the user named the run. Such a name may repeat. */
  readonly isNamedByUser: boolean;
  readonly trust: RunTrust;
  /** Equal for workspaces with the same files; null if unknown. */
  readonly files: string | null;
  /** Aborts when this job must end before the run. */
  readonly leaving: AbortSignal;
}

/** As in join-group.lua: a job begins a new run if the present one was left for longer than this when it joined. */
const LEFT_MS = 60_000;

/**
 * When the log of this job's run ends at the earliest: some job had the run until shortly before this one joined, and its coordinator records
 * every second unless Redis is away. null if the name belongs to one run only.
 */
export const logEndsAfter = ({ joinedAt, isNamedByUser, settings: { run } }: Membership): number | null =>
  isNamedByUser ? joinedAt - LEFT_MS - run.redisWaitSeconds * 1000 - CLOCK_TOLERANCE_MS : null;

/**
 * A verdict that was stored after this job found none. The name of a run may repeat, and anyone who can write to Redis can store the signed
 * verdict of an earlier run of that name. Throws `bad-message`.
 */
export function newVerdict({ joinedAt, run, trust }: Pick<Membership, 'joinedAt' | 'run' | 'trust'>, verdict: GroupVerdict): GroupVerdict {
  if (!trust.verifier.isStrict || (verdict.endedAt ?? 0) >= joinedAt - CLOCK_TOLERANCE_MS) return verdict;
  throw new ShardlineError('bad-message', { source: `the verdict of run ${run}`, problem: 'it is older than this job' });
}
