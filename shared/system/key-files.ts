// Keys as files: a private key that only its owner can read, and public keys that may be copied. Both are PEM, which openssl reads too. A
// line before a public key may say what it is trusted for: `Use: certify`. The certificate of a key is text, beside its private key.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { type KeyUse, keyUses } from '../domain/trust.ts';
import { reasonOf, ShardlineError } from '../errors.ts';
import { keyIdOf, type Signer, signerOf, type TrustedKey } from '../wire/signature.ts';
import { type Certificate, encodeCertificate, instant, readCertificate } from '../wire/trust/certificate.ts';
import { replaceFile } from './files/replace-file.ts';

/** Larger files are no keys. */
const LONGEST_KEY_FILE = 64 * 1024;
/** Permissions of group and others. */
const OTHERS = 0o077;

/** Reads the private key of a signer, and its certificate if there is one. Throws `bad-key`, also if others than the owner can read the key. */
export async function readSigner(path: string): Promise<Signer> {
  const { key, isPoolKey } = await readPrivateKey(path);
  if (isPoolKey) {
    const fix = `Sign with a key that it certifies: \`shardline keygen my.key --certify ${path}\`, with --role coordinator for a run.`;
    throw new ShardlineError('bad-key', { path, problem: 'it is a pool key, which only certifies other keys', fix });
  }
  const signer = signerOf(key);
  const certificatePath = certificatePathOf(path);
  const certificate = await readCertificateFile(certificatePath);
  if (certificate === '') return signer;
  const problem = certificateProblem(certificate, signer.publicKey);
  if (problem === null) return signerOf(key, certificate);
  const fix = `Run \`shardline keygen ${publicPathOf(path)} --certify POOL_KEY\`, or remove ${certificatePath}.`;
  throw new ShardlineError('bad-key', { path: certificatePath, problem, fix });
}

/** Empty if there is no such file. Throws `bad-key`. */
async function readCertificateFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return '';
    throw new ShardlineError('bad-key', { path, problem: reasonOf(thrown), fix: 'Make it a file that this user can read, or remove it.' });
  }
}

/** What its owner can know: only those who trust the pool key can verify the signature. */
function certificateProblem(text: string, publicKey: string): string | null {
  const certificate = readCertificate(text);
  if (certificate === null) return 'it is no certificate of shardline';
  if (certificate.key !== publicKey) return 'it is the certificate of another key';
  return certificate.until < Date.now() ? `it expired at ${instant(certificate.until)}` : null;
}

/** A private key, and whether it is one that only certifies others. */
export interface PrivateKey {
  readonly key: KeyObject;
  readonly isPoolKey: boolean;
}

/** Throws `bad-key`, also if others than the owner can read the file. */
export async function readPrivateKey(path: string): Promise<PrivateKey> {
  // A public key may be read by others, so its kind is checked first.
  const key = privateKeyIn(await readKeyFile(path), path);
  const { mode } = await stat(path);
  if ((mode & OTHERS) !== 0)
    throw new ShardlineError('bad-key', { path, problem: 'other users can read it', fix: `Run \`chmod 600 ${path}\`.` });
  return key;
}

/** `source` names the origin of the text. Throws `bad-key`. */
export const privateKeyIn = (text: string, source: string): PrivateKey => ({
  key: ed25519(source, 'private', () => createPrivateKey(text), /-----BEGIN PUBLIC KEY-----/.test(text) ? 'it is a public key' : undefined),
  isPoolKey: text.split('\n').some((line) => line.trimEnd() === CERTIFIES),
});

/** The line above a pool key in both of its files. */
const CERTIFIES = 'Use: certify';

const USE_LINE = /^[^\S\n]*use[^\S\n]*:/gim;

/** Reads the public keys of one file, which may hold several. A key without a `Use:` line has the uses `otherwise`. Throws `bad-key`. */
export async function readTrustedKeys(path: string, otherwise: readonly KeyUse[]): Promise<readonly TrustedKey[]> {
  const text = await readKeyFile(path);
  const blocks = [...text.matchAll(/(?:^Use:([^\n]*)\r?\n)?(-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----)/gm)];
  if (blocks.length === 0) {
    const isPrivate = /-----BEGIN PRIVATE KEY-----/.test(text);
    throw notAKey(path, 'public', isPrivate ? 'it is a private key' : 'it has no PUBLIC KEY block');
  }
  // A line that limits no key would leave its key with the uses of one without such a line.
  if ((text.match(USE_LINE) ?? []).length > blocks.filter(([, uses]) => uses !== undefined).length) {
    const fix = 'Write it as `Use: certify`, directly above the line -----BEGIN PUBLIC KEY-----.';
    throw new ShardlineError('bad-key', { path, problem: 'it has a `Use:` line that belongs to no key', fix });
  }
  return blocks.map(([, uses, block = '']) => ({
    key: ed25519(path, 'public', () => createPublicKey(block)),
    uses: uses === undefined ? otherwise : usesIn(uses, path),
  }));
}

function usesIn(text: string, path: string): readonly KeyUse[] {
  return text.split(',').map((word) => {
    const use = keyUses.find((each) => each === word.trim());
    if (use !== undefined) return use;
    const fix = `Write one or more of ${keyUses.join(', ')}, with commas between them.`;
    throw new ShardlineError('bad-key', { path, problem: `the line \`Use:${text}\` has an unknown use`, fix });
  });
}

/** Reads the only public key of a file. Throws `bad-key`. */
export async function readPublicKey(path: string): Promise<KeyObject> {
  const [first, ...more] = await readTrustedKeys(path, []);
  if (first !== undefined && more.length === 0) return first.key;
  throw notAKey(path, 'public', 'it has several keys');
}

/** The public key that another shardline command has passed to this one, in base64. Throws `bad-key`. */
export const publicKeyFrom = (text: string): KeyObject =>
  ed25519('--trusted-key', 'public', () => createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' }));

export const publicPathOf = (path: string): string => `${path}.pub`;
export const certificatePathOf = (path: string): string => `${path}.cert`;

/** Writes a new pair of files. A pool key is one that only certifies others. Throws `bad-key` if one of them exists. */
export async function writeKeyPair(path: string, { isPoolKey = false } = {}): Promise<{ readonly keyId: string }> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const use = isPoolKey ? `${CERTIFIES}\n` : '';
  await writeNew(path, 0o600, `${use}${privateKey.export({ type: 'pkcs8', format: 'pem' })}`);
  try {
    await writeNew(publicPathOf(path), 0o644, `${use}${publicKey.export({ type: 'spki', format: 'pem' })}`);
  } catch (thrown) {
    // Half a pair would only be in the way of the next try.
    await rm(path, { force: true });
    throw thrown;
  }
  return { keyId: keyIdOf(publicKey) };
}

/** Writes the certificate of a public key, in place of an earlier one. `path` is the file of its private key. Throws `bad-key`. */
export async function writeCertificate(
  path: string,
  publicKey: KeyObject,
  allowed: Omit<Certificate, 'key' | 'issuer'>,
  poolKey: KeyObject,
): Promise<{ readonly keyId: string }> {
  const key = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  const text = encodeCertificate({ ...allowed, key, issuer: keyIdOf(createPublicKey(poolKey)) }, poolKey);
  const certificatePath = certificatePathOf(path);
  try {
    await replaceFile(certificatePath, text);
  } catch (thrown) {
    throw new ShardlineError('bad-key', {
      path: certificatePath,
      problem: reasonOf(thrown),
      fix: 'Name a key in a directory that you can write to.',
    });
  }
  return { keyId: keyIdOf(publicKey) };
}

async function writeNew(path: string, mode: number, text: string): Promise<void> {
  try {
    // Never follows a link, and never replaces a key.
    await using file = await open(path, 'wx', mode);
    await file.writeFile(text);
  } catch (thrown) {
    const isThere = thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST';
    const fix = isThere
      ? `Name a new file: a key is never replaced. To certify a key that you have, run \`shardline keygen FILE.pub --certify POOL_KEY\`.`
      : 'Name a new file in a directory that you can write to.';
    throw new ShardlineError('bad-key', { path, problem: reasonOf(thrown), fix });
  }
}

async function readKeyFile(path: string): Promise<string> {
  const fix = 'Name a file that `shardline keygen` has written.';
  try {
    const { size } = await stat(path);
    if (size > LONGEST_KEY_FILE) throw new ShardlineError('bad-key', { path, problem: 'it is too large for a key', fix });
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (thrown instanceof ShardlineError) throw thrown;
    throw new ShardlineError('bad-key', { path, problem: reasonOf(thrown), fix });
  }
}

function ed25519(
  path: string,
  kind: 'private' | 'public',
  parse: () => KeyObject,
  problem = `it is no ${kind} key in PEM format`,
): KeyObject {
  let key: KeyObject;
  try {
    key = parse();
  } catch {
    // The parser's message could quote the file.
    throw notAKey(path, kind, problem);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw notAKey(path, kind, `it is a key for ${key.asymmetricKeyType}, not for Ed25519`);
  return key;
}

function notAKey(path: string, kind: 'private' | 'public', problem: string): ShardlineError {
  const other = kind === 'private' ? 'the private key, without .pub' : 'the public key, FILE.pub';
  return new ShardlineError('bad-key', { path, problem, fix: `Name ${other}, that \`shardline keygen FILE\` has written.` });
}
