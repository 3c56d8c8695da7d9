// Reads one entry of a run's stream: a batch of an agent's events, or why it does not count.

import type { RejectionCause } from '../../shared/domain/report.ts';
import { type ErrorCode, messageOf, ShardlineError } from '../../shared/errors.ts';
import type { StreamEntry } from '../../shared/redis/read-stream.ts';
import type { Reader } from '../../shared/wire/envelope.ts';
import { decodeBatch } from '../../shared/wire/events.ts';
import { agentIdSchema, readId } from '../../shared/wire/parse.ts';
import type { Verifier } from '../../shared/wire/signature.ts';
import { senderWords } from '../core/state/agents/rejections.ts';
import type { StreamedEvents, UnreadableEntry } from '../ports.ts';

const NOT_TRUSTED: ReadonlySet<ErrorCode> = new Set([
  'not-signed',
  'unknown-key',
  'other-role',
  'bad-certificate',
  'bad-signature',
  'other-key',
]);

/** Maximum number of characters of the problem, which may quote the message. */
const PROBLEM_CHARS = 1000;

/** A message that cannot be read costs its sender the run, never the run its other agents. */
export function readEntry({ id: position, fields }: StreamEntry, reader: Reader): StreamedEvents | UnreadableEntry {
  const text = fields.get('batch') ?? '';
  const [sender = null] = readId(agentIdSchema, fields.get('agent'));
  try {
    const { agent, seq, events } = decodeBatch(text, reader, `a message of ${senderWords(sender)}`);
    // Without signatures, anyone can number a batch.
    return { kind: 'events', position, text, events, ...(reader.verifier.isStrict ? { from: { agent, seq } } : {}) };
  } catch (thrown) {
    if (!(thrown instanceof ShardlineError)) throw thrown;
    const why = causeOf(thrown.code, reader.verifier);
    return { kind: 'unreadable', position, agent: sender, why, problem: messageOf(thrown).slice(0, PROBLEM_CHARS) };
  }
}

/** Where every agent signs, what cannot be read has no proven sender, and must cost no agent the run. */
function causeOf(code: ErrorCode, { isStrict }: Verifier): RejectionCause {
  if (code === 'expired-certificate') return 'expired';
  if (NOT_TRUSTED.has(code) || (isStrict && code === 'bad-message')) return 'not-trusted';
  return code === 'bad-message' ? 'unreadable' : 'other-version';
}
