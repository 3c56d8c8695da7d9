// The envelope of every message between coordinator and agents, and of every record of the run log. Owns the version of the wire and the
// check that a message belongs to the reader's run. The file of each type of message owns the schema of its body.

import { z } from 'zod';
import type { AgentId, RunId } from '../domain/ids.ts';
import { ShardlineError } from '../errors.ts';
import { agentIdSchema, checked, parseJson, runIdSchema, versionOf } from './parse.ts';
import type { Signer, Verifier } from './signature.ts';
import { LONGEST_CERTIFICATE } from './trust/certificate.ts';

/** One version for all types of messages: a reader refuses every other version. Raised when an older reader could misread a message. */
export const WIRE_VERSION = 5;

/**
 * What the body is: a run's spec, an attempt in its queue, a command to its agents, a batch of an agent's events, a record of the
 * coordinator in the run log, the verdict of a run that CI jobs share, or the request to an agent to drain. The schema of the body follows from the type.
 */
export const messageTypes = ['spec', 'attempt', 'command', 'events', 'record', 'verdict', 'drain'] as const;
export type MessageType = (typeof messageTypes)[number];

/** The sender of every message that is not an agent's. An agent may have this name too: only the type of a message decides who may send it. */
export const COORDINATOR = 'coordinator';
export type Sender = AgentId | typeof COORDINATOR;

/** The run that a message belongs to, and its pool. */
export interface RunAddress {
  readonly pool: string;
  readonly run: RunId;
}

/** The run whose messages a reader takes, and whose signatures count. */
export interface Reader extends RunAddress {
  readonly verifier: Verifier;
}

export interface Origin extends RunAddress {
  readonly sender: Sender;
  /** Numbers the messages of one sender and type from 1. An attempt carries its fence, a spec 0, a verdict the generation of its jobs. */
  readonly seq: number;
  /** The coordinator's epoch; 0 in what an agent sends, and in a spec, which is written before its epoch begins. */
  readonly epoch: number;
}

export interface Envelope extends Origin {
  readonly type: MessageType;
  /** Names the key of the signature. Empty, like the signature, if the message is not signed. */
  readonly keyId: string;
  readonly signature: string;
  /** The certificate of the key; empty without one. It goes with each message, because a reader may begin with any of them. */
  readonly certificate: string;
  /** The exact text of the body, which is JSON. */
  readonly body: string;
}

/**
 * Characters of one message, below the maximum length of a string and the 512 MB of a value in Redis. The largest in practice name every
 * test of a run: 114 million characters for 1,000,000 ids of 109 characters (measured). A batch of events is far smaller.
 */
export const LONGEST_MESSAGE = 256_000_000;

/** Enough for a SHA-256 in hexadecimal, and for an Ed25519 signature in any usual encoding. */
const LONGEST_KEY_ID = 64;
const LONGEST_SIGNATURE = 128;

export const keyIdSchema = z.string().max(LONGEST_KEY_ID);

const envelopeSchema: z.ZodType<Envelope> = z.object({
  type: z.enum(messageTypes),
  pool: z.string(),
  run: runIdSchema,
  sender: agentIdSchema,
  seq: z.int().nonnegative(),
  epoch: z.int().nonnegative(),
  keyId: keyIdSchema,
  signature: z.string().max(LONGEST_SIGNATURE),
  // Earlier versions send none.
  certificate: z.string().max(LONGEST_CERTIFICATE).default(''),
  // A half of a surrogate pair is encoded like U+FFFD, so that a signature could not tell one text from the other.
  body: z.string().refine((text) => text.isWellFormed(), 'has half of a surrogate pair'),
});

/**
 * One line of JSON. The body is JSON inside a JSON string, so that a signature can cover its exact text: an object that is parsed and
 * encoded again may differ in spaces, escapes and digits.
 */
export function encodeMessage(
  type: MessageType,
  { pool, run, sender, seq, epoch }: Origin,
  body: unknown,
  signer: Signer | null = null,
): string {
  const message = { type, pool, run, sender, seq, epoch, keyId: signer?.keyId ?? '', body: JSON.stringify(body) };
  const { body: text, ...rest } = message;
  const proof = {
    signature: signer?.sign(message) ?? '',
    ...(signer === null || signer.certificate === '' ? {} : { certificate: signer.certificate }),
  };
  return JSON.stringify({ version: WIRE_VERSION, ...rest, ...proof, body: text });
}

/** Throws `bad-message`, `newer-version` and `older-version`. `source` names the origin of the text in the error. */
export function decodeEnvelope(text: string, source: string): Envelope {
  if (text.length > LONGEST_MESSAGE) {
    const problem = `it has ${text.length.toLocaleString('en')} characters, more than ${LONGEST_MESSAGE.toLocaleString('en')}`;
    throw new ShardlineError('bad-message', { source, problem });
  }
  // The run log has one message a line, and stores this text as it is.
  if (text.includes('\n')) throw new ShardlineError('bad-message', { source, problem: 'it has more than one line' });
  const value = parseJson(text, source);
  const found = versionOf(value);
  if (found !== null && found > WIRE_VERSION) throw new ShardlineError('newer-version', { found, known: WIRE_VERSION });
  if (found !== null && found < WIRE_VERSION) throw new ShardlineError('older-version', { source, found, known: WIRE_VERSION });
  return checked(envelopeSchema, value, source);
}

/** Throws `bad-message` for another type, run or pool: a message of another run must change nothing here. */
export function requireAddress(envelope: Envelope, type: MessageType, { pool, run }: RunAddress, source: string): void {
  const found = `${envelope.type} of run ${envelope.run} of pool ${envelope.pool}`;
  const expected = `${type} of run ${run} of pool ${pool}`;
  if (found !== expected) throw new ShardlineError('bad-message', { source, problem: `expected ${expected}, found ${found}` });
}

/** Throws `bad-message`. */
export const decodeBody = <Value>(schema: z.ZodType<Value>, { body }: Envelope, source: string): Value =>
  checked(schema, parseJson(body, source), source);

/**
 * The body of a message of this type and run. Throws `bad-message`, `newer-version`, `older-version`, and what the reader's verifier throws.
 */
export function decodeMessage<Value>(type: MessageType, schema: z.ZodType<Value>, text: string, reader: Reader, source: string): Value {
  const envelope = decodeEnvelope(text, source);
  requireAddress(envelope, type, reader, source);
  reader.verifier.verify(envelope, source);
  return decodeBody(schema, envelope, source);
}
