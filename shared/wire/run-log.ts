// The records of a run log, and `events.ndjson`, the run log as a file: one message a line, a batch of an agent before the record that the
// coordinator read it. Owns no schema of the coordinator's events but the one of that record.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ShardlineError } from '../errors.ts';
import { decodeBody, decodeEnvelope } from './envelope.ts';
import { aheadSchema, instantSchema } from './limits.ts';
import { agentIdSchema } from './parse.ts';

/** One record of a run log. Both texts are kept as they were sent, so that a signature over them stays valid. */
export interface LogRecord {
  /** Its number in the log. Consecutive, across all coordinators of the run. */
  readonly seq: number;
  /** The coordinator's record. */
  readonly own: string;
  /** What the coordinator read, if the record is `stream-read`; null for every other record. */
  readonly batch: StoredBatch | null;
}

/** One entry of the run's stream: a batch as its agent sent it. */
export interface StoredBatch {
  readonly position: string;
  readonly text: string;
}

/** The id of an entry of a stream. */
export const positionSchema = z.string().regex(/^\d{1,20}-\d{1,20}$/);

/** Who sent a batch, and its number. */
export const batchNumberSchema = z.object({ agent: agentIdSchema, seq: z.int().nonnegative() });

/**
 * Everything up to the entry `position` of the run's stream was read. The agreed clock was `aheadMs` ahead of the coordinator's, whose
 * clock counts in every time of a report. `from` is the sender and the number of the batch, if the run requires signatures. A signed record
 * has the `digest` of the batch.
 */
export const streamReadSchema = z.object({
  kind: z.literal('stream-read'),
  at: instantSchema,
  position: positionSchema,
  aheadMs: aheadSchema,
  from: batchNumberSchema.exactOptional(),
  digest: z.string().exactOptional(),
});

/** The SHA-256 of a batch, in hexadecimal. */
export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

const kindSchema = z.object({ kind: z.string() });

/** True if a log may begin with this record. */
export const opensRun = ({ own }: LogRecord): boolean =>
  decodeBody(kindSchema, decodeEnvelope(own, 'the run log'), 'the run log').kind === 'run-opened';

/** The lines of one record. */
export const encodeLines = ({ own, batch }: LogRecord): string => (batch === null ? `${own}\n` : `${batch.text}\n${own}\n`);

/**
 * Drops a batch at the end without its record: its writer died between the two lines, before anything followed from the batch. Rejects with
 * `bad-message`, `newer-version` and `older-version`, and with the errors of `lines`.
 */
export async function* decodeLines(lines: AsyncIterable<string>, path: string): AsyncGenerator<LogRecord> {
  let text: string | null = null;
  let number = 0;
  for await (const line of lines) {
    number += 1;
    const source = `${path}:${number}`;
    const envelope = decodeEnvelope(line, source);
    if (envelope.type === 'events') {
      if (text !== null) throw new ShardlineError('bad-message', { source, problem: 'the batch before it has no record' });
      text = line;
      continue;
    }
    const batch = text === null ? null : { position: decodeBody(streamReadSchema, envelope, source).position, text };
    text = null;
    yield { seq: envelope.seq, own: line, batch };
  }
}
