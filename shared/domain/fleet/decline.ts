// Why an agent declines a run of its pool. It says so itself in its presence, for `shardline status` and for the coordinator of the run.

import type { ErrorCode } from '../../errors.ts';
import type { RunId } from '../ids.ts';

/**
 * `not-signed`, `unknown-key`, `other-role`, `bad-certificate` and `bad-signature`: the agent verifies signatures, and the run has none that
 * it trusts. `expired`: the run may no longer be served. `other-version`: another version of shardline announced it. `unreadable`: it is not
 * what this version announces.
 */
export const declineCauses = [
  'not-signed',
  'unknown-key',
  'other-role',
  'bad-certificate',
  'bad-signature',
  'expired',
  'other-version',
  'unreadable',
] as const;
export type DeclineCause = (typeof declineCauses)[number];

export interface Decline {
  readonly run: RunId;
  readonly cause: DeclineCause;
}

export function declineCauseOf(code: ErrorCode): DeclineCause {
  switch (code) {
    case 'not-signed':
    case 'unknown-key':
    case 'other-role':
    case 'bad-certificate':
    case 'bad-signature':
      return code;
    case 'expired-certificate':
      return 'bad-certificate';
    case 'run-expired':
      return 'expired';
    case 'newer-version':
    case 'older-version':
      return 'other-version';
    default:
      return 'unreadable';
  }
}

/** Why an agent of the pool does not serve a run. `silent`: it neither serves it nor has said why. */
export const absenceCauses = [...declineCauses, 'draining', 'busy', 'silent'] as const;
export type AbsenceCause = (typeof absenceCauses)[number];

/** How many agents of the pool do not serve the run for the same cause, and one of them. */
export interface Absence {
  readonly why: AbsenceCause;
  readonly agents: number;
  readonly example: string;
}
