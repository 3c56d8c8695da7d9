// Ed25519 signatures of messages: what exactly is signed, and whose signatures count.
//
// The signature covers the exact stored text of the body, so that nothing is parsed before it is verified. Every field has its length before
// it, so that no two messages give the same bytes. The algorithm is fixed: nothing in a message chooses it.

import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { KeyUse, Role, VerifyMode } from '../domain/trust.ts';
import { ShardlineError } from '../errors.ts';
import { type Certificate, expiryIn, keyOf, readCertificate, refusalOf } from './trust/certificate.ts';

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
  /** The certificate of the key; empty without one. Not signed: it proves itself. */
  readonly certificate: string;
}

/** Signs what this process sends. */
export interface Signer {
  /** Names the public key. */
  readonly keyId: string;
  /** The public key in base64 (SPKI). */
  readonly publicKey: string;
  /** The text of its certificate, which goes with every message; empty without one. */
  readonly certificate: string;
  /** Base64. */
  sign(message: Signable): string;
}

/** A public key, and what it may do. */
export interface TrustedKey {
  readonly key: KeyObject;
  readonly uses: readonly KeyUse[];
}

/** Decides whose messages count. */
export interface Verifier {
  /** Whether it refuses what it cannot verify. */
  readonly isStrict: boolean;
  /**
   * The most agents that may use the key of this message; null for any number. Throws `not-signed`, `unknown-key`, `other-role`,
   * `bad-certificate`, `bad-signature`, and `expired-certificate` if nothing else is wrong.
   */
  verify(message: Signed, source: string): number | null;
  /**
   * Whether earlier messages of this sender had this key, and all of them this certificate. The signature does not cover the certificate: with
   * another one of the same key, a message may look expired that is not.
   */
  knows(message: Signed): boolean;
}

/** Accepts every message. */
export const NO_VERIFIER: Verifier = { isStrict: false, verify: () => null, knows: () => false };

export function signerOf(privateKey: KeyObject, certificate = ''): Signer {
  const publicKey = createPublicKey(privateKey);
  const encoded = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  return {
    keyId: keyIdOf(publicKey),
    publicKey: encoded,
    certificate,
    sign: (message) => sign(null, bytesOf(message), privateKey).toString('base64'),
  };
}

/** Only agents report; everything else is a coordinator's. */
const roleOf = ({ type }: Signable): Role => (type === 'events' ? 'agent' : 'coordinator');

export interface Trust {
  readonly keys: readonly TrustedKey[];
  readonly mode: VerifyMode;
  /** In mode `warn`, receives once each problem that would refuse the message in mode `require`. */
  readonly onDoubt: (problem: ShardlineError) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export function verifierOf({ keys, mode, onDoubt, now }: Trust): Verifier {
  if (mode === 'off') return NO_VERIFIER;
  const find = keyFinder(keys, now);
  const told = new Set<string>();
  const found = (message: Signed, source: string): Found | ShardlineError => {
    if (message.signature === '') return new ShardlineError('not-signed', { source });
    const key = find(message, source);
    if (key instanceof ShardlineError) return key;
    const isGood = verify(null, bytesOf(message), key.key, Buffer.from(message.signature, 'base64'));
    if (!isGood) return new ShardlineError('bad-signature', { source, key: message.keyId });
    return key.expiry === null ? key : new ShardlineError('expired-certificate', { source, key: message.keyId, problem: key.expiry });
  };
  return {
    isStrict: mode === 'require',
    verify(message, source) {
      const key = found(message, source);
      if (!(key instanceof ShardlineError)) return key.mostAgents;
      if (mode === 'require') throw key;
      if (!told.has(key.message)) onDoubt(key);
      told.add(key.message);
      return null;
    },
    knows: () => false,
  };
}

/** The key that a message names, which may speak in its role. */
interface Found {
  readonly key: KeyObject;
  readonly mostAgents: number | null;
  /** The problem with a certificate of a past time; null at another time, and without a certificate. */
  readonly expiry: string | null;
}

/** Certificates that were verified before; more than a run has agents. */
const MOST_KNOWN = 10_000;

function keyFinder(trusted: readonly TrustedKey[], now: () => number): (message: Signed, source: string) => Found | ShardlineError {
  const keys = new Map<string, KeyObject>();
  const uses = new Map<string, ReadonlySet<KeyUse>>();
  for (const { key, uses: own } of trusted) {
    const id = keyIdOf(key);
    keys.set(id, key);
    uses.set(id, new Set([...(uses.get(id) ?? []), ...own]));
  }
  const may = (id: string, use: KeyUse): boolean => uses.get(id)?.has(use) ?? false;
  const known = new Map<string, Certified>();

  const certified = (text: string): Certified | string => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const certificate = readCertificate(text);
    const issuer = certificate === null ? undefined : keys.get(certificate.issuer);
    if (certificate === null) return 'cannot be read';
    if (issuer === undefined || !may(certificate.issuer, 'certify'))
      return `is from key ${certificate.issuer}, which is no trusted pool key there`;
    if (!certificate.isSignedBy(issuer)) return 'has a wrong signature';
    const key = keyOf(certificate);
    if (key === null) return 'has no key for Ed25519';
    if (known.size >= MOST_KNOWN) known.clear();
    const made = { key, keyId: keyIdOf(key), certificate };
    known.set(text, made);
    return made;
  };

  return (message, source) => {
    const { keyId: id, pool, run } = message;
    const role = roleOf(message);
    const direct = keys.get(id);
    if (direct !== undefined && may(id, role)) return { key: direct, mostAgents: null, expiry: null };
    if (message.certificate === '') {
      return direct === undefined
        ? new ShardlineError('unknown-key', { source, key: id })
        : new ShardlineError('other-role', { source, key: id, role });
    }
    const found = certified(message.certificate);
    const refuse = (problem: string): ShardlineError => new ShardlineError('bad-certificate', { source, key: id, problem });
    if (typeof found === 'string') return refuse(found);
    if (found.keyId !== id) return refuse(`is that of key ${found.keyId}`);
    const { key, certificate } = found;
    const refusal = refusalOf(certificate, { pool, run, role }, now());
    return refusal === null ? { key, mostAgents: certificate.mostAgents, expiry: expiryIn(certificate, now()) } : refuse(refusal);
  };
}

interface Certified {
  readonly key: KeyObject;
  readonly keyId: string;
  readonly certificate: Certificate;
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
