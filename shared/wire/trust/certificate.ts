// Certificates of keys: a few lines of text that a pool key signs, and that a person can read. Owns their format and what they allow.

import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { type Role, roles } from '../../domain/trust.ts';

/** Allows a key to speak in one pool, for a short time. */
export interface Certificate {
  /** The certified public key, in base64 (SPKI). */
  readonly key: string;
  /** A name, or the beginning of names and `*`. */
  readonly pool: string;
  /** The same for the ids of runs. */
  readonly run: string;
  readonly roles: readonly Role[];
  /** Milliseconds since the epoch, whole seconds. */
  readonly from: number;
  readonly until: number;
  /** The most agents that may use it in one run; null for any number. */
  readonly mostAgents: number | null;
  /** The id of the pool key. */
  readonly issuer: string;
}

/** What a message needs its certificate for. */
export interface Need {
  readonly pool: string;
  readonly run: string;
  readonly role: Role;
}

/** Longer texts are no certificates. */
export const LONGEST_CERTIFICATE = 1024;

/** By how much the clocks of machines may differ, in milliseconds. */
export const CLOCK_TOLERANCE_MS = 5 * 60 * 1000;

const FORMAT = new RegExp(
  [
    '^(?<signed>shardline certificate 1',
    'key: (?<key>[A-Za-z0-9+/=]+)',
    'pool: (?<pool>\\S+)',
    'run: (?<run>\\S+)',
    'roles: (?<roles>[a-z]+(?:, [a-z]+)*)',
    'from: (?<from>\\S+)',
    'until: (?<until>\\S+)',
    'agents: (?<agents>any|[1-9]\\d{0,8})',
    'issuer: (?<issuer>[0-9a-f]{16})',
    ')signature: (?<signature>[A-Za-z0-9+/=]+)\\n$',
  ].join('\\n'),
);

/** The text of a certificate. `issuer` is the private pool key. */
export function encodeCertificate(
  { key, pool, run, roles: allowed, from, until, mostAgents, issuer }: Certificate,
  poolKey: KeyObject,
): string {
  const lines = [
    'shardline certificate 1',
    `key: ${key}`,
    `pool: ${pool}`,
    `run: ${run}`,
    `roles: ${allowed.join(', ')}`,
    `from: ${instant(from)}`,
    `until: ${instant(until)}`,
    `agents: ${mostAgents ?? 'any'}`,
    `issuer: ${issuer}`,
  ];
  const signed = `${lines.join('\n')}\n`;
  return `${signed}signature: ${sign(null, Buffer.from(signed), poolKey).toString('base64')}\n`;
}

/** A certificate as it was read: nothing in it counts before `isSignedBy` is true. */
export interface ReadCertificate extends Certificate {
  /** Whether this public key has signed it. */
  isSignedBy(poolKey: KeyObject): boolean;
}

/** null if the text is no certificate. */
export function readCertificate(text: string): ReadCertificate | null {
  const found = text.length > LONGEST_CERTIFICATE ? undefined : FORMAT.exec(text)?.groups;
  if (found === undefined) return null;
  const { signed = '', key = '', pool = '', run = '', agents = '', issuer = '', signature = '' } = found;
  const allowed = (found.roles ?? '').split(', ').flatMap((name) => roles.find((role) => role === name) ?? []);
  const [from, until] = [Date.parse(found.from ?? ''), Date.parse(found.until ?? '')];
  if (Number.isNaN(from) || Number.isNaN(until)) return null;
  return {
    ...{ key, pool, run, roles: allowed, from, until, issuer },
    mostAgents: agents === 'any' ? null : Number(agents),
    isSignedBy: (poolKey) => verify(null, Buffer.from(signed), poolKey, Buffer.from(signature, 'base64')),
  };
}

/** The certified key; null if it is no key for Ed25519. */
export function keyOf({ key }: Certificate): KeyObject | null {
  try {
    const parsed = createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' });
    return parsed.asymmetricKeyType === 'ed25519' ? parsed : null;
  } catch {
    return null;
  }
}

/** Why the certificate does not allow this now, as the end of a sentence that begins with the certificate; null if it does. */
export function refusalOf({ pool, run, roles: allowed, from }: Certificate, need: Need, now: number): string | null {
  if (now < from - CLOCK_TOLERANCE_MS) return `is valid only from ${instant(from)} on`;
  if (!covers(pool, need.pool)) return `is for pool ${pool}, not for ${need.pool}`;
  if (!covers(run, need.run)) return `is for run ${run}, not for ${need.run}`;
  return allowed.includes(need.role) ? null : `is not for the role ${need.role}`;
}

/** Why a certificate of a past time does not allow anything, as the end of such a sentence; null at another time. */
export const expiryIn = ({ until }: Certificate, now: number): string | null =>
  now > until + CLOCK_TOLERANCE_MS ? `expired at ${instant(until)}` : null;

/**
 * The warning for a run that lasts longer than the certificate with which this command signs for it; null if the certificate lasts until
 * `endsAt`. `keyPath` is the file of the private key.
 */
export function endsTooEarly(certificate: string, keyPath: string, run: string, endsAt: number): string | null {
  const until = readCertificate(certificate)?.until ?? Number.POSITIVE_INFINITY;
  if (until >= endsAt) return null;
  const ends = `the certificate ${keyPath}.cert expires at ${instant(until)}, before the deadline of ${run} at ${instant(endsAt)}`;
  return `warning: ${ends}. Messages after that do not count. Fix: \`shardline keygen ${keyPath}.pub --certify POOL_KEY --valid DURATION\``;
}

const covers = (pattern: string, name: string): boolean =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;

/** ISO 8601 in whole seconds. */
export const instant = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
