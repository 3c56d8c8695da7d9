// Reads the files with which a connection to Redis uses TLS, and explains failed handshakes. The server's certificate is always verified.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import { messageOf, reasonOf, ShardlineError } from '../errors.ts';
import { NO_TLS_FILES, type TlsFiles } from '../settings/settings.ts';

/** Larger files hold no certificates. */
const LONGEST_FILE = 1024 * 1024;

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The options for a TLS connection. Throws `bad-tls-file`. */
export async function readTlsFiles({ ca, cert, key }: TlsFiles = NO_TLS_FILES): Promise<Pick<ConnectionOptions, 'ca' | 'cert' | 'key'>> {
  const authority = ca === null ? null : await readPem('--redis-ca', ca);
  if (ca !== null && authority !== null) certificateIn('--redis-ca', ca, authority);
  if (cert === null || key === null) return authority === null ? {} : { ca: authority };
  const [own, secret] = [await readPem('--redis-cert', cert), await readPem('--redis-key', key)];
  if (!certificateIn('--redis-cert', cert, own).checkPrivateKey(privateKeyIn(key, secret))) {
    const fix = 'Name the certificate and the private key that were made together.';
    throw new ShardlineError('bad-tls-file', { option: '--redis-key', path: key, problem: `it is not the key of ${cert}`, fix });
  }
  return { ...(authority === null ? {} : { ca: authority }), cert: own, key: secret };
}

async function readPem(option: string, path: string): Promise<string> {
  const fix = 'Name a file in PEM format that this user can read.';
  try {
    if ((await stat(path)).size > LONGEST_FILE) throw new Error('it is too large');
    return await readFile(path, 'utf8');
  } catch (thrown) {
    throw new ShardlineError('bad-tls-file', { option, path, problem: reasonOf(thrown), fix }, { cause: thrown });
  }
}

/** The first certificate of a file, once all of them are known to be readable. */
function certificateIn(option: string, path: string, text: string): X509Certificate {
  const fix = 'Name a file with certificates in PEM format (BEGIN CERTIFICATE).';
  const blocks = text.match(CERTIFICATE) ?? [];
  let problem = 'it holds no certificate';
  let cause: unknown = null;
  try {
    const [first] = blocks.map((block) => new X509Certificate(block));
    if (first !== undefined) return first;
  } catch (thrown) {
    // The message would be OpenSSL's, with a number.
    problem = 'a certificate in it is damaged';
    cause = thrown;
  }
  throw new ShardlineError('bad-tls-file', { option, path, problem, fix }, { cause });
}

function privateKeyIn(path: string, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (thrown) {
    const isEncrypted = text.includes('ENCRYPTED');
    const problem = isEncrypted ? 'it is encrypted with a passphrase' : 'it holds no private key';
    const fix = isEncrypted
      ? `Decrypt it with \`openssl pkey -in ${path} -out FILE\`, and let only this user read FILE.`
      : 'Name a file with a private key in PEM format (BEGIN PRIVATE KEY).';
    throw new ShardlineError('bad-tls-file', { option: '--redis-key', path, problem, fix }, { cause: thrown });
  }
}

/** Why a handshake failed, and how to fix it. */
export interface TlsProblem {
  readonly problem: string;
  readonly fix: string;
}

/** The explanation of an error of a TLS connection; null for an error that is not about TLS. */
export function tlsProblem(thrown: unknown, { ca, cert }: TlsFiles = NO_TLS_FILES): TlsProblem | null {
  const code = codeOf(thrown);
  if (UNKNOWN_ISSUER.has(code)) {
    const problem = ca === null ? 'no CA of this machine has signed its certificate' : `${ca} has not signed its certificate`;
    return { problem, fix: 'Name the CA that signed the certificate of Redis with --redis-ca FILE.' };
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return { problem: messageOf(thrown), fix: 'Write a host name in the URL that the certificate of Redis names.' };
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return { problem: messageOf(thrown), fix: 'Renew the certificate of Redis, and check the clock of this machine.' };
  }
  if (NO_TLS.test(code)) {
    return {
      problem: 'it does not speak TLS on this port',
      fix: 'Name the TLS port of Redis, or write redis:// for a connection without TLS.',
    };
  }
  const [, alert] = /\balert ([a-z ]+?)(?=:|\s*$)/.exec(messageOf(thrown)) ?? [];
  if (!code.startsWith('ERR_SSL_')) return null;
  return { problem: `the handshake failed (${alert ?? messageOf(thrown).trim()})`, fix: clientFix(cert) };
}

/** The server tells only by a TLS alert that it misses a client certificate, or does not trust the one that it got. */
const clientFix = (cert: string | null): string =>
  cert === null
    ? 'If Redis requires a client certificate, name one with --redis-cert FILE and --redis-key FILE.'
    : `Check that the CA of Redis has signed ${cert}, and that it has not expired.`;

/**
 * What a connection with TLS that ended without an error of TLS probably means. A server that rejects the client closes the connection, and
 * its alert may be lost. A Redis without TLS waits for the rest of what it takes for a command.
 */
export function tlsHint(problem: string, { cert }: TlsFiles = NO_TLS_FILES): string {
  if (/no answer/.test(problem)) return '; it may not speak TLS on this port';
  if (!/closed|reset/.test(problem)) return '';
  return cert === null ? '; it may require a client certificate (--redis-cert, --redis-key)' : `; it may not trust ${cert}`;
}

const UNKNOWN_ISSUER: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
]);

/** The other side answered with something else than TLS. */
const NO_TLS = /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNKNOWN_PROTOCOL)$/;

const codeOf = (thrown: unknown): string => (thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '');
