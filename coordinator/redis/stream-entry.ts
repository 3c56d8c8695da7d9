// Reads one entry of a run's stream: a batch of an agent's events, or why it does not count.

import { messageOf, ShardlineError } from '../../shared/errors.ts';
import type { StreamEntry } from '../../shared/redis/read-stream.ts';
import type { RunAddress } from '../../shared/wire/envelope.ts';
import { decodeEvents } from '../../shared/wire/events.ts';
import { agentIdSchema, readId } from '../../shared/wire/parse.ts';
import type { StreamedEvents, UnreadableEntry } from '../ports.ts';

/** Maximum number of characters of the problem, which may quote the message. */
const PROBLEM_CHARS = 1000;

/** A message that cannot be read costs its sender the run, never the run its other agents. */
export function readEntry({ id: position, fields }: StreamEntry, address: RunAddress): StreamedEvents | UnreadableEntry {
  const text = fields.get('batch') ?? '';
  try {
    return { kind: 'events', position, text, events: decodeEvents(text, address, `event stream of run ${address.run}`) };
  } catch (thrown) {
    if (!(thrown instanceof ShardlineError)) throw thrown;
    const why = thrown.code === 'bad-message' ? 'unreadable' : 'other-version';
    const [agent = null] = readId(agentIdSchema, fields.get('agent'));
    return { kind: 'unreadable', position, agent, why, problem: messageOf(thrown).slice(0, PROBLEM_CHARS) };
  }
}
