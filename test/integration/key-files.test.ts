// Key files: what is written can be read, and what is no key, or not private, is refused.

import { chmod, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { publicKeyFrom, publicPathOf, readPublicKeys, readSigner, writeKeyPair } from '../../shared/system/key-files.ts';
import { keyIdOf } from '../../shared/wire/signature.ts';
import { newProject } from '../support/shardline.ts';

const refusal = { code: 'bad-key', exitCode: 4 };

test('a written pair is read again, and openssl reads it too', async () => {
  await using project = await newProject({});
  const path = join(project.directory, 'k');
  const { keyId } = await writeKeyPair(path);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const signer = await readSigner(path);
  expect(signer.keyId).toBe(keyId);
  expect((await readPublicKeys(publicPathOf(path))).map(keyIdOf)).toEqual([keyId]);
  expect(keyIdOf(publicKeyFrom(signer.publicKey))).toBe(keyId);
  const { stdout } = await execa('openssl', ['pkey', '-in', path, '-pubout']);
  expect(stdout.trim()).toBe((await readFile(publicPathOf(path), 'utf8')).trim());
});

test('one file may hold several public keys', async () => {
  await using project = await newProject({});
  const [one, two] = ['one', 'two'].map((name) => join(project.directory, name)) as [string, string];
  const ids = [(await writeKeyPair(one)).keyId, (await writeKeyPair(two)).keyId];
  const both = join(project.directory, 'trusted');
  await writeFile(both, `# ours\n${await readFile(publicPathOf(one), 'utf8')}\n# theirs\n${await readFile(publicPathOf(two), 'utf8')}`);
  expect((await readPublicKeys(both)).map(keyIdOf)).toEqual(ids);
});

test('never replaces a key, and never follows a link', async () => {
  await using project = await newProject({});
  const path = join(project.directory, 'k');
  await writeKeyPair(path);
  const before = await readFile(path, 'utf8');
  await expect(writeKeyPair(path)).rejects.toMatchObject(refusal);
  expect(await readFile(path, 'utf8')).toBe(before);
  await symlink(join(project.directory, 'victim'), join(project.directory, 'link'));
  await expect(writeKeyPair(join(project.directory, 'link'))).rejects.toMatchObject(refusal);
});

test('refuses a private key that others can read, and what is no key', async () => {
  await using project = await newProject({ text: 'no key\n', 'rsa.pub': '' });
  const path = join(project.directory, 'k');
  await writeKeyPair(path);
  await chmod(path, 0o640);
  await expect(readSigner(path)).rejects.toMatchObject(refusal);
  const text = join(project.directory, 'text');
  await chmod(text, 0o600);
  await expect(readSigner(text)).rejects.toMatchObject(refusal);
  await expect(readSigner(join(project.directory, 'none'))).rejects.toMatchObject(refusal);
  await expect(readPublicKeys(text)).rejects.toMatchObject(refusal);
  await expect(readPublicKeys(path)).rejects.toMatchObject(refusal);
  const { stdout } = await execa('openssl', ['genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']);
  const rsa = join(project.directory, 'rsa');
  await writeFile(rsa, stdout, { mode: 0o600 });
  await expect(readSigner(rsa)).rejects.toThrow(/not for Ed25519/);
});
