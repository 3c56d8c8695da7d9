// Says in words why agents of the pool do not serve a run, and how to fix it.

import { type Absence, type AbsenceCause, type DeclineCause, declineCauses } from '../../../shared/domain/fleet/decline.ts';
import { oneLine } from '../../../shared/text/safe-text.ts';

interface Words {
  /** A clause that fits one agent and several. */
  readonly why: string;
  readonly fix: string;
}

const declines: Readonly<Record<DeclineCause, Words>> = {
  'not-signed': {
    why: 'the run is not signed, and agents with --trust serve only signed runs',
    fix: "start the run with --sign-key FILE, and add its public key to the file of each agent's --trust",
  },
  'unknown-key': {
    why: 'the run is signed with a key that is not in the --trust file of the agent',
    fix: 'sign with a key that the agents trust, or add the public key to that file on each of them and restart them',
  },
  'other-role': {
    why: 'the key of the run may not start runs',
    fix: 'certify it with `shardline keygen KEY.pub --certify POOL_KEY --role coordinator`, or sign with another key',
  },
  'bad-certificate': {
    why: 'the certificate of the key of the run has expired, is not for this pool, run or role, or comes from a pool key that the agent does not trust',
    fix: 'read in the log of the agent which it is, and certify the key again with `shardline keygen KEY.pub --certify POOL_KEY --role coordinator`',
  },
  'bad-signature': {
    why: 'the signature of the run is wrong, so somebody has changed it',
    fix: 'find out who can write to this Redis, and change its passwords',
  },
  expired: { why: 'the run had expired', fix: 'start a new run' },
  'other-version': {
    why: 'the run comes from another version of shardline',
    fix: 'install the same version of shardline for the run and its agents',
  },
  unreadable: {
    why: 'the run could not be read',
    fix: 'read the log of the agent, and install the same version of shardline for the run and its agents',
  },
};

export const isDecline = (why: AbsenceCause): why is DeclineCause => (declineCauses as readonly AbsenceCause[]).includes(why);

/** Why an agent declined a run, as a clause. */
export const declineWords = (why: DeclineCause): string => declines[why].why;

/** `Agent a1 declined the run: why. Fix: …`; null if the agents did not decline it. */
export function declineLine(absence: Absence): string | null {
  const { why } = absence;
  if (!isDecline(why)) return null;
  const { agents, example } = absence;
  const who = agents === 1 ? `Agent ${oneLine(example)}` : `${agents} agents (${named(absence)})`;
  return `${who} declined the run: ${declines[why].why}. Fix: ${declines[why].fix}.`;
}

/** `agent a1 of the pool - declined the run: why`, for the end of a run that no agent served. */
export function absenceWords(absence: Absence): string {
  const { agents, example } = absence;
  const who = agents === 1 ? `agent ${oneLine(example)} of the pool` : `${agents} agents of the pool (${named(absence)})`;
  return `${who} - ${absenceCause(absence)}`;
}

/** `a1 and 2 more`. */
const named = ({ agents, example }: Absence): string => `${oneLine(example)} and ${agents - 1} more`;

function absenceCause({ why, agents }: Absence): string {
  switch (why) {
    case 'draining':
      return `draining, so ${agents === 1 ? 'it takes' : 'they take'} no runs`;
    case 'busy':
      return `${agents === 1 ? 'serves' : 'serve'} other runs`;
    case 'silent':
      return `${agents === 1 ? 'has not said why: read its log' : 'have not said why: read their logs'}`;
    default:
      return `declined the run: ${declines[why].why}`;
  }
}
