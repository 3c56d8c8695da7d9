// Keys as files: a private key that only its owner can read, and public keys that may be copied. Both are PEM, which openssl reads too.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import { messageOf, ShardlineError } from '../errors.ts';
import { keyIdOf, type Signer, signerOf } from '../wire/signature.ts';

/** Larger files are no keys. */
const LONGEST_KEY_FILE = 64 * 1024;
/** Permissions of group and others. */
const OTHERS = 0o077;

/** Reads the private key of a signer. Throws `bad-key`, also if others than the owner can read the file. */
export async function readSigner(path: string): Promise<Signer> {
  const text = await readKeyFile(path);
  const { mode } = await stat(path);
  if ((mode & OTHERS) !== 0)
    throw new ShardlineError('bad-key', { path, problem: 'other users can read it', fix: `Run \`chmod 600 ${path}\`.` });
  return signerOf(ed25519(path, 'private', () => createPrivateKey(text)));
}

/** Reads the public keys of one file, which may hold several. Throws `bad-key`. */
export async function readPublicKeys(path: string): Promise<readonly KeyObject[]> {
  const text = await readKeyFile(path);
  const blocks = text.match(/-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g) ?? [];
  if (blocks.length === 0) throw notAKey(path, 'public', 'it has no PUBLIC KEY block');
  return blocks.map((block) => ed25519(path, 'public', () => createPublicKey(block)));
}

/** The public key that another shardline command has passed to this one, in base64. Throws `bad-key`. */
export const publicKeyFrom = (text: string): KeyObject =>
  ed25519('--trusted-key', 'public', () => createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' }));

export const publicPathOf = (path: string): string => `${path}.pub`;

/** Writes a new pair of files. Throws `bad-key` if one of them exists. */
export async function writeKeyPair(path: string): Promise<{ readonly keyId: string }> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  await writeNew(path, 0o600, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  await writeNew(publicPathOf(path), 0o644, publicKey.export({ type: 'spki', format: 'pem' }).toString());
  return { keyId: keyIdOf(publicKey) };
}

async function writeNew(path: string, mode: number, text: string): Promise<void> {
  try {
    // Never follows a link, and never replaces a key.
    await using file = await open(path, 'wx', mode);
    await file.writeFile(text);
  } catch (thrown) {
    throw new ShardlineError('bad-key', { path, problem: messageOf(thrown), fix: 'Name a new file in a directory that you can write to.' });
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
    throw new ShardlineError('bad-key', { path, problem: messageOf(thrown), fix });
  }
}

function ed25519(path: string, kind: 'private' | 'public', parse: () => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = parse();
  } catch {
    // The parser's message could quote the file.
    throw notAKey(path, kind, `it is no ${kind} key in PEM format`);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw notAKey(path, kind, `it is a key for ${key.asymmetricKeyType}, not for Ed25519`);
  return key;
}

function notAKey(path: string, kind: 'private' | 'public', problem: string): ShardlineError {
  const other = kind === 'private' ? 'the private key, without .pub' : 'the public key, FILE.pub';
  return new ShardlineError('bad-key', { path, problem, fix: `Name ${other}, that \`shardline keygen FILE\` has written.` });
}
