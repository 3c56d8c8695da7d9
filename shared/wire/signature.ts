// Ed25519 signatures of messages: what exactly is signed, and whose signatures count.
//
// The signature covers the exact stored text of the body, so that nothing is parsed before it is verified. Every field has its length before
// it, so that no two messages give the same bytes. The algorithm is fixed: nothing in a message chooses it.

import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { VerifyMode } from '../domain/trust.ts';
import { ShardlineError } from '../errors.ts';

/** Begins the signed bytes, so that a signature for shardline is worth nothing elsewhere. The number is raised with the list of fields. */
const DOMAIN = 'shardline/2';

/** The signed fields of an envelope. */
export interface Signable {
  readonly type: string;
  readonly pool: string;
  readonly run: string;
  readonly sender: string;
  readonly seq: number;
  readonly epoch: number;
  readonly keyId: string;
  readonly body: string;
}

export interface Signed extends Signable {
  /** Base64; empty if the message is not signed. */
  readonly signature: string;
}

/** Signs what this process sends. */
export interface Signer {
  /** Names the public key. */
  readonly keyId: string;
  /** The public key in base64 (SPKI). */
  readonly publicKey: string;
  /** Base64. */
  sign(message: Signable): string;
}

/** Decides whose messages count. */
export interface Verifier {
  /** Whether it refuses what it cannot verify. */
  readonly isStrict: boolean;
  /** Throws `not-signed`, `unknown-key` and `bad-signature`. */
  verify(message: Signed, source: string): void;
}

/** Accepts every message. */
export const NO_VERIFIER: Verifier = { isStrict: false, verify: () => undefined };

export function signerOf(privateKey: KeyObject): Signer {
  const publicKey = createPublicKey(privateKey);
  const encoded = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  return { keyId: keyIdOf(publicKey), publicKey: encoded, sign: (message) => sign(null, bytesOf(message), privateKey).toString('base64') };
}

/** In mode `warn`, `onDoubt` receives once each problem that would refuse the message in mode `require`. */
export function verifierOf(publicKeys: readonly KeyObject[], mode: VerifyMode, onDoubt: (problem: ShardlineError) => void): Verifier {
  if (mode === 'off') return NO_VERIFIER;
  const keys = new Map(publicKeys.map((key) => [keyIdOf(key), key]));
  const told = new Set<string>();
  const problemOf = (message: Signed, source: string): ShardlineError | null => {
    if (message.signature === '') return new ShardlineError('not-signed', { source });
    const key = keys.get(message.keyId);
    if (key === undefined) return new ShardlineError('unknown-key', { source, key: message.keyId });
    const isGood = verify(null, bytesOf(message), key, Buffer.from(message.signature, 'base64'));
    return isGood ? null : new ShardlineError('bad-signature', { source, key: message.keyId });
  };
  return {
    isStrict: mode === 'require',
    verify(message, source) {
      const problem = problemOf(message, source);
      if (problem === null) return;
      if (mode === 'require') throw problem;
      if (!told.has(problem.message)) onDoubt(problem);
      told.add(problem.message);
    },
  };
}

/** Refuses, beside that, messages of a sender whose earlier messages had another key: a trusted agent may not speak for another one. */
export function oneKeyEach(verifier: Verifier): Verifier {
  const known = new Map<string, string>();
  return {
    isStrict: verifier.isStrict,
    verify(message, source) {
      verifier.verify(message, source);
      const key = known.get(message.sender) ?? message.keyId;
      if (verifier.isStrict && key !== message.keyId) throw new ShardlineError('other-key', { source, agent: message.sender });
      known.set(message.sender, key);
    },
  };
}

/** The first 16 hexadecimal digits of the SHA-256 of the key: enough to find it among the trusted ones, which decide. */
export const keyIdOf = (publicKey: KeyObject): string =>
  createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);

function bytesOf({ type, pool, run, sender, seq, epoch, keyId, body }: Signable): Buffer {
  const fields = [DOMAIN, type, pool, run, sender, String(seq), String(epoch), keyId, body].map((field) => Buffer.from(field));
  return Buffer.concat(fields.flatMap((field) => [lengthOf(field), field]));
}

function lengthOf(field: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(field.length);
  return length;
}
