// The request to one agent of a pool to drain: to take nothing more, finish what runs, and leave.

import { z } from 'zod';
import { type AgentId, runId } from '../../domain/ids.ts';
import { ShardlineError } from '../../errors.ts';
import { COORDINATOR, decodeMessage, encodeMessage } from '../envelope.ts';
import { instantSchema } from '../limits.ts';
import { agentIdSchema } from '../parse.ts';
import type { Signer, Verifier } from '../signature.ts';

/** How long a request counts, in milliseconds. An agent that has not read it by then does not obey it any more. */
export const DRAIN_REQUEST_MS = 60_000;

/** A request is for a pool, not for a run. Its type keeps it apart from the messages of a run of this name. */
const NO_RUN = runId('none');
/** Characters of a request, checked before it is parsed. */
const LONGEST_REQUEST = 4096;

export interface DrainRequest {
  readonly pool: string;
  readonly agent: AgentId;
  /** When it was written, in milliseconds of the server's clock. */
  readonly at: number;
}

const bodySchema = z.object({ agent: agentIdSchema, at: instantSchema });

export const encodeDrain = ({ pool, agent, at }: DrainRequest, signer: Signer | null): string =>
  encodeMessage('drain', { pool, run: NO_RUN, sender: COORDINATOR, seq: 0, epoch: 0 }, { agent, at }, signer);

/**
 * Throws what `decodeMessage` throws, and `bad-message` for the request to another agent, or one that was written long ago: somebody may have
 * copied it. `now` is the time by the server's clock.
 */
export function checkDrain(text: string, wanted: { pool: string; agent: AgentId; now: number }, verifier: Verifier): void {
  const source = `request to drain agent ${wanted.agent}`;
  const bad = (problem: string): ShardlineError => new ShardlineError('bad-message', { source, problem });
  if (text.length > LONGEST_REQUEST) throw bad('it is too long');
  const { agent, at } = decodeMessage('drain', bodySchema, text, { pool: wanted.pool, run: NO_RUN, verifier }, source);
  if (agent !== wanted.agent) throw bad(`it names agent ${agent}`);
  if (Math.abs(wanted.now - at) > DRAIN_REQUEST_MS) throw bad('it is out of date');
}
