// Signatures of messages: every field counts, and only trusted keys do.

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { expect, test } from 'vitest';
import { ShardlineError } from '../../../shared/errors.ts';
import {
  keyIdOf,
  NO_VERIFIER,
  type Signable,
  type Signed,
  type Signer,
  signerOf,
  type Trust,
  verifierOf,
} from '../../../shared/wire/signature.ts';
import { type NotedKeys, noteKey, oneKeyEach } from '../../../shared/wire/trust/agent-keys.ts';

/** Now, for every verifier here. */
const NOW = Date.parse('2026-01-01T12:00:00Z');
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
  certificate: signer.certificate,
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
const trusting = (...keys: readonly KeyObject[]): Trust => ({
  keys: keys.map((key) => ({ key, uses: ['coordinator'] })),
  mode: 'require',
  onDoubt: never,
  now: () => NOW,
});
const requiring = verifierOf(trusting(ours.publicKey));

test('accepts what a trusted key has signed, also beside another key', () => {
  expect(() => requiring.verify(signed(signerOf(ours.privateKey)), 'x')).not.toThrow();
  const both = verifierOf(trusting(theirs.publicKey, ours.publicKey));
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
  expect(codeOf(() => requiring.verify({ ...message, keyId: '', signature: '', certificate: '' }, 'x'))).toBe('not-signed');
  expect(codeOf(() => requiring.verify(signed(signerOf(theirs.privateKey)), 'x'))).toBe('unknown-key');
  // The key that a message names is only looked up: a signature of another key does not become good by it.
  const forged = { ...signed(signerOf(theirs.privateKey)), keyId: signerOf(ours.privateKey).keyId };
  expect(codeOf(() => requiring.verify(forged, 'x'))).toBe('bad-signature');
});

test('warns once of each problem in mode warn, and checks nothing in mode off', () => {
  const doubts: string[] = [];
  const warning = verifierOf({ ...trusting(ours.publicKey), mode: 'warn', onDoubt: ({ code }) => void doubts.push(code) });
  const unsigned = { ...message, keyId: '', signature: '', certificate: '' };
  warning.verify(unsigned, 'x');
  warning.verify(unsigned, 'x');
  warning.verify(signed(signerOf(theirs.privateKey)), 'x');
  expect(doubts).toEqual(['not-signed', 'unknown-key']);
  expect(verifierOf({ ...trusting(ours.publicKey), mode: 'off' })).toBe(NO_VERIFIER);
});

test('refuses a trusted key in a role that it is not trusted for', () => {
  const verifier = verifierOf({ ...trusting(), keys: [{ key: ours.publicKey, uses: ['agent', 'certify'] }] });
  expect(codeOf(() => verifier.verify(signed(signerOf(ours.privateKey)), 'x'))).toBe('other-role');
  expect(codeOf(() => verifier.verify(signed(signerOf(ours.privateKey), { ...message, type: 'events' }), 'x'))).toBeNull();
});

test('refuses a known sender with another key than an earlier coordinator recorded, and takes it with its own', () => {
  const keys: NotedKeys = new Map();
  for (const { publicKey } of [ours, theirs]) noteKey(keys, { sender: 'a1', keyId: keyIdOf(publicKey), certificate: '' });
  const verifier = oneKeyEach(verifierOf(trusting(ours.publicKey, theirs.publicKey)), keys);
  const from = { ...message, sender: 'a1' };
  expect(codeOf(() => verifier.verify(signed(signerOf(theirs.privateKey), from), 'x'))).toBe('other-key');
  expect(codeOf(() => verifier.verify(signed(signerOf(ours.privateKey), from), 'x'))).toBeNull();
  expect(codeOf(() => verifier.verify(signed(signerOf(theirs.privateKey), { ...message, sender: 'a2' }), 'x'))).toBeNull();
});

test('refuses a sender that changes its key, and only in mode require', () => {
  const one = signed(signerOf(ours.privateKey));
  const other = signed(signerOf(theirs.privateKey));
  const verifier = oneKeyEach(verifierOf(trusting(ours.publicKey, theirs.publicKey)));
  expect(codeOf(() => verifier.verify(one, 'x'))).toBeNull();
  expect(codeOf(() => verifier.verify(other, 'x'))).toBe('other-key');
  expect(codeOf(() => verifier.verify({ ...signed(signerOf(theirs.privateKey), { ...message, sender: 'a2' }) }, 'x'))).toBeNull();
});
