// Signatures of messages: every field counts, and only trusted keys do.

import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { ShardlineError } from '../../../shared/errors.ts';
import { NO_VERIFIER, type Signable, type Signed, type Signer, signerOf, verifierOf } from '../../../shared/wire/signature.ts';

const ours = generateKeyPairSync('ed25519');
const theirs = generateKeyPairSync('ed25519');
const message: Signable = {
  type: 'command',
  pool: 'default',
  run: 'r1',
  sender: 'coordinator',
  seq: 3,
  epoch: 1,
  keyId: signerOf(ours.privateKey).keyId,
  body: '{"kind":"close-run"}',
};

const signed = (signer: Signer, from: Signable = message): Signed => ({
  ...from,
  keyId: signer.keyId,
  signature: signer.sign({ ...from, keyId: signer.keyId }),
});
const never = (problem: ShardlineError): never => {
  throw new Error(`doubts ${problem.message}`);
};
const codeOf = (act: () => void): string | null => {
  try {
    act();
    return null;
  } catch (thrown) {
    return thrown instanceof ShardlineError ? thrown.code : String(thrown);
  }
};
const requiring = verifierOf([ours.publicKey], 'require', never);

test('accepts what a trusted key has signed, also beside another key', () => {
  expect(() => requiring.verify(signed(signerOf(ours.privateKey)), 'x')).not.toThrow();
  const both = verifierOf([theirs.publicKey, ours.publicKey], 'require', never);
  expect(() => both.verify(signed(signerOf(ours.privateKey)), 'x')).not.toThrow();
  expect(() => both.verify(signed(signerOf(theirs.privateKey)), 'x')).not.toThrow();
});

test.each<Partial<Signed>>([
  { type: 'spec' },
  { pool: 'other' },
  { run: 'r2' },
  { sender: 'a1' },
  { seq: 4 },
  { epoch: 2 },
  { body: '{"kind":"close-run" }' },
  { signature: Buffer.alloc(64).toString('base64') },
  { signature: 'no base64!' },
])('refuses a signed message with another %o', (change) => {
  expect(codeOf(() => requiring.verify({ ...signed(signerOf(ours.privateKey)), ...change }, 'x'))).toBe('bad-signature');
});

test('fields cannot lend characters to each other', () => {
  const one = signed(signerOf(ours.privateKey), { ...message, pool: 'ab', run: 'c' });
  expect(codeOf(() => requiring.verify({ ...one, pool: 'a', run: 'bc' }, 'x'))).toBe('bad-signature');
});

test('refuses an unsigned message, and one of another key', () => {
  expect(codeOf(() => requiring.verify({ ...message, keyId: '', signature: '' }, 'x'))).toBe('not-signed');
  expect(codeOf(() => requiring.verify(signed(signerOf(theirs.privateKey)), 'x'))).toBe('unknown-key');
  // The key that a message names is only looked up: a signature of another key does not become good by it.
  const forged = { ...signed(signerOf(theirs.privateKey)), keyId: signerOf(ours.privateKey).keyId };
  expect(codeOf(() => requiring.verify(forged, 'x'))).toBe('bad-signature');
});

test('warns once of each problem in mode warn, and checks nothing in mode off', () => {
  const doubts: string[] = [];
  const warning = verifierOf([ours.publicKey], 'warn', ({ code }) => void doubts.push(code));
  const unsigned = { ...message, keyId: '', signature: '' };
  warning.verify(unsigned, 'x');
  warning.verify(unsigned, 'x');
  warning.verify(signed(signerOf(theirs.privateKey)), 'x');
  expect(doubts).toEqual(['not-signed', 'unknown-key']);
  expect(verifierOf([ours.publicKey], 'off', never)).toBe(NO_VERIFIER);
});
