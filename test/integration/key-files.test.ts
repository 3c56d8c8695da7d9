// Key files: what is written can be read, and what is no key, or not private, is refused.

import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import {
  certificatePathOf,
  publicKeyFrom,
  publicPathOf,
  readPrivateKey,
  readPublicKey,
  readSigner,
  readTrustedKeys,
  writeCertificate,
  writeKeyPair,
} from '../../shared/system/key-files.ts';
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
  expect((await readTrustedKeys(publicPathOf(path), [])).map(({ key }) => keyIdOf(key))).toEqual([keyId]);
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
  expect((await readTrustedKeys(both, ['agent'])).map(({ key, uses }) => [keyIdOf(key), uses])).toEqual(ids.map((id) => [id, ['agent']]));
});

test('never replaces a key, and never follows a link', async () => {
  await using project = await newProject({});
  const path = join(project.directory, 'k');
  await writeKeyPair(path);
  const before = await readFile(path, 'utf8');
  await expect(writeKeyPair(path)).rejects.toMatchObject({ ...refusal, message: expect.stringMatching(/k: it exists already\nFix: /) });
  expect(await readFile(path, 'utf8')).toBe(before);
  await symlink(join(project.directory, 'victim'), join(project.directory, 'link'));
  await expect(writeKeyPair(join(project.directory, 'link'))).rejects.toMatchObject(refusal);
});

test('leaves no private key behind whose public key it could not write', async () => {
  await using project = await newProject({ 'k.pub': 'mine' });
  const path = join(project.directory, 'k');
  await expect(writeKeyPair(path)).rejects.toMatchObject(refusal);
  await expect(readFile(path, 'utf8')).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await readFile(`${path}.pub`, 'utf8')).toBe('mine');
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
  const none = { ...refusal, message: expect.stringMatching(/none: no such file or directory\nFix: /) };
  await expect(readSigner(join(project.directory, 'none'))).rejects.toMatchObject(none);
  await expect(readTrustedKeys(project.directory, [])).rejects.toMatchObject({
    ...refusal,
    message: expect.stringContaining(': it is a directory\n'),
  });
  await expect(readTrustedKeys(text, [])).rejects.toMatchObject(refusal);
  await expect(readTrustedKeys(path, [])).rejects.toThrow(/it is a private key\nFix: Name the public key/);
  const { stdout } = await execa('openssl', ['genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']);
  const rsa = join(project.directory, 'rsa');
  await writeFile(rsa, stdout, { mode: 0o600 });
  await expect(readSigner(rsa)).rejects.toThrow(/not for Ed25519/);
});

test('a line before a key says what it is trusted for, and a pool key has one', async () => {
  await using project = await newProject({});
  const [pool, other] = ['pool', 'other'].map((name) => join(project.directory, name)) as [string, string];
  await writeKeyPair(pool, { isPoolKey: true });
  await writeKeyPair(other);
  const trusted = join(project.directory, 'trusted');
  const texts = await Promise.all([pool, other].map((path) => readFile(publicPathOf(path), 'utf8')));
  await writeFile(trusted, `${texts.join('')}Use: agent, coordinator\r\n${texts[1]}`);
  const uses = (await readTrustedKeys(trusted, ['coordinator'])).map((each) => each.uses);
  expect(uses).toEqual([['certify'], ['coordinator'], ['agent', 'coordinator']]);
  await writeFile(trusted, `Use: everything\n${texts[1]}`);
  await expect(readTrustedKeys(trusted, [])).rejects.toMatchObject({ ...refusal, message: expect.stringContaining('Use: everything') });
  for (const misplaced of ['Use: certify\n\n', 'Use: certify\n# pool\n', 'use: certify\n', ' Use: certify\n']) {
    await writeFile(trusted, `${misplaced}${texts[1]}`);
    await expect(readTrustedKeys(trusted, ['agent']), misplaced).rejects.toMatchObject({
      ...refusal,
      message: expect.stringContaining('belongs to no key'),
    });
  }
  const { stdout } = await execa('openssl', ['pkey', '-pubin', '-in', publicPathOf(pool), '-text', '-noout']);
  expect(stdout.toLowerCase()).toContain('ed25519');
});

test('a signer brings its certificate, unless it is expired or that of another key', async () => {
  await using project = await newProject({});
  const [pool, own, other] = ['pool', 'own', 'other'].map((name) => join(project.directory, name)) as [string, string, string];
  for (const path of [pool, own, other]) await writeKeyPair(path, { isPoolKey: path === pool });
  const from = Date.now();
  const allowed = { pool: '*', run: '*', roles: ['agent'], from, until: from + 60_000, mostAgents: 2 } as const;
  const { key: poolKey, isPoolKey } = await readPrivateKey(pool);
  expect([isPoolKey, (await readPrivateKey(own)).isPoolKey]).toEqual([true, false]);
  await expect(readSigner(pool)).rejects.toMatchObject({ ...refusal, message: expect.stringContaining('only certifies other keys') });
  const ownKey = await readPublicKey(publicPathOf(own));
  expect((await readSigner(own)).certificate).toBe('');
  await writeCertificate(own, ownKey, allowed, poolKey);
  const text = await readFile(certificatePathOf(own), 'utf8');
  expect((await readSigner(own)).certificate).toBe(text);
  await writeFile(certificatePathOf(other), text);
  await expect(readSigner(other)).rejects.toMatchObject({ ...refusal, message: expect.stringContaining('another key') });
  await writeCertificate(own, ownKey, { ...allowed, until: from - 1000 }, poolKey);
  await expect(readSigner(own)).rejects.toMatchObject({ ...refusal, message: expect.stringContaining('expired at') });
  await writeFile(certificatePathOf(own), 'no certificate');
  await expect(readSigner(own)).rejects.toMatchObject(refusal);
  await rm(certificatePathOf(own));
  await mkdir(certificatePathOf(own));
  await expect(readSigner(own)).rejects.toMatchObject({ ...refusal, message: expect.stringContaining('it is a directory') });
});
