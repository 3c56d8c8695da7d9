// Reads one entry of a run's stream: a batch of an agent's events, or why it does not count.

import { agentId } from '../../shared/domain/ids.ts';
import type { RejectionCause } from '../../shared/domain/report.ts';
import { type ErrorCode, messageOf, ShardlineError } from '../../shared/errors.ts';
import type { StreamEntry } from '../../shared/redis/read-stream.ts';
import type { Envelope, Reader } from '../../shared/wire/envelope.ts';
import { batchEnvelope, eventsIn } from '../../shared/wire/events.ts';
import { agentIdSchema, readId } from '../../shared/wire/parse.ts';
import { senderWords } from '../core/state/agents/rejections.ts';
import type { BatchNumber } from '../core/state/events.ts';
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

/**
 * A message that cannot be read costs its sender the run, never the run its other agents. `from` is there only if the sender is proven: without
 * signatures, anyone can send and number a batch.
 */
export function readEntry({ id: position, fields }: StreamEntry, reader: Reader): StreamedEvents | UnreadableEntry {
  const text = fields.get('batch') ?? '';
  const [named = null] = readId(agentIdSchema, fields.get('agent'));
  const source = `a message of ${senderWords(named)}`;
  const { isStrict } = reader.verifier;
  /** `proven` is the envelope, if its signature proves the sender. */
  const unreadable = (thrown: unknown, proven: Envelope | null): UnreadableEntry => {
    if (!(thrown instanceof ShardlineError)) throw thrown;
    const why = causeOf(thrown.code, isStrict && proven === null);
    const problem = messageOf(thrown).slice(0, PROBLEM_CHARS);
    if (!isStrict || proven === null) return { kind: 'unreadable', position, agent: named, why, problem };
    const from = numberOf(proven);
    return { kind: 'unreadable', position, agent: from.agent, why, problem, from, keyId: proven.keyId };
  };
  let envelope: Envelope;
  try {
    envelope = batchEnvelope(text, reader, source);
  } catch (thrown) {
    return unreadable(thrown, null);
  }
  try {
    reader.verifier.verify(envelope, source);
  } catch (thrown) {
    return unreadable(thrown, isExpired(thrown) && reader.verifier.knows(envelope) ? envelope : null);
  }
  try {
    return { kind: 'events', position, text, events: eventsIn(envelope, source), ...(isStrict ? { from: numberOf(envelope) } : {}) };
  } catch (thrown) {
    return unreadable(thrown, envelope);
  }
}

const numberOf = ({ sender, seq }: Envelope): BatchNumber => ({ agent: agentId(sender), seq });

const isExpired = (thrown: unknown): boolean => thrown instanceof ShardlineError && thrown.code === 'expired-certificate';

/** Where every agent signs, what cannot be read has no proven sender unless its signature was verified, and must cost no agent the run. */
function causeOf(code: ErrorCode, isDoubtful: boolean): RejectionCause {
  if (code === 'expired-certificate') return 'expired';
  if (NOT_TRUSTED.has(code) || (isDoubtful && code === 'bad-message')) return 'not-trusted';
  return code === 'bad-message' ? 'unreadable' : 'other-version';
}
