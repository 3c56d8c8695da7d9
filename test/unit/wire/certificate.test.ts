// Certificates: what a pool key signs is good for one role, pool and time, and nothing in it counts unless the pool key is trusted to certify.

import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { expect, test } from 'vitest';
import { reduce } from '../../../coordinator/core/state/reduce.ts';
import { openRun } from '../../../coordinator/core/state/run-state.ts';
import { readEntry } from '../../../coordinator/redis/stream-entry.ts';
import { rejectionLines } from '../../../coordinator/reporters/summary/agent-text.ts';
import { runId } from '../../../shared/domain/ids.ts';
import { type KeyUse, keyUses } from '../../../shared/domain/trust.ts';
import { ShardlineError } from '../../../shared/errors.ts';
import { encodeEvents } from '../../../shared/wire/events.ts';
import { keyIdOf, type Signable, type Signed, type Signer, signerOf, verifierOf } from '../../../shared/wire/signature.ts';
import { type NotedKeys, noteKey, oneKeyEach } from '../../../shared/wire/trust/agent-keys.ts';
import {
  type Certificate,
  CLOCK_TOLERANCE_MS,
  encodeCertificate,
  endsTooEarly,
  readCertificate,
} from '../../../shared/wire/trust/certificate.ts';
import { a1, decideAll, joined, opened, reportOf, shardOf } from '../core/run-kit.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const pool = generateKeyPairSync('ed25519');
const agent = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519');
const spki = (key: KeyObject): string => key.export({ type: 'spki', format: 'der' }).toString('base64');

const allowed: Certificate = {
  key: spki(agent.publicKey),
  pool: 'default',
  run: '*',
  roles: ['agent'],
  from: NOW - 60_000,
  until: NOW + 60_000,
  mostAgents: null,
  issuer: keyIdOf(pool.publicKey),
};
const message: Signable = {
  type: 'events',
  pool: 'default',
  run: 'r1',
  sender: 'a1',
  seq: 1,
  epoch: 0,
  keyId: keyIdOf(agent.publicKey),
  body: '[]',
};

function certificateOf(change: Partial<Certificate> = {}, issuer: KeyObject = pool.privateKey): string {
  return encodeCertificate({ ...allowed, issuer: keyIdOf(createPublicKey(issuer)), ...change }, issuer);
}

function sent(certificate: string, change: Partial<Signable> = {}, key: KeyObject = agent.privateKey): Signed {
  const signer = signerOf(key, certificate);
  const signable = { ...message, ...change, keyId: signer.keyId };
  return { ...signable, signature: signer.sign(signable), certificate };
}

const trusting = (key: KeyObject = pool.publicKey, uses: readonly KeyUse[] = ['certify'], now = NOW) =>
  verifierOf({
    keys: [{ key, uses }],
    mode: 'require',
    onDoubt: (problem) => {
      throw problem;
    },
    now: () => now,
  });

function refusalOf(act: () => unknown): string | null {
  try {
    act();
    return null;
  } catch (thrown) {
    return thrown instanceof ShardlineError ? `${thrown.code}: ${thrown.values.problem ?? ''}` : String(thrown);
  }
}

test('a person can read a certificate, and so can shardline', () => {
  const text = certificateOf({ roles: ['agent', 'coordinator'], mostAgents: 4 });
  expect(text.split('\n').slice(0, 9)).toEqual([
    'shardline certificate 1',
    `key: ${allowed.key}`,
    'pool: default',
    'run: *',
    'roles: agent, coordinator',
    'from: 2026-01-01T11:59:00Z',
    'until: 2026-01-01T12:01:00Z',
    'agents: 4',
    `issuer: ${allowed.issuer}`,
  ]);
  expect(readCertificate(text)).toMatchObject({ ...allowed, roles: ['agent', 'coordinator'], mostAgents: 4 });
});

test('accepts a message whose key a trusted pool key has certified', () => {
  expect(trusting().verify(sent(certificateOf()), 'x')).toBeNull();
  expect(trusting().verify(sent(certificateOf({ mostAgents: 3, pool: 'def*', run: 'r1' })), 'x')).toBe(3);
});

test.each<[what: string, signed: () => Signed, refusal: RegExp]>([
  ['no certificate', () => sent(''), /^unknown-key/],
  ['a text that is none', () => sent('shardline certificate 1\n'), /cannot be read/],
  ['a stranger that certifies', () => sent(certificateOf({}, stranger.privateKey)), /no trusted pool key/],
  ['a stranger in the name of the pool key', () => sent(certificateOf({ issuer: allowed.issuer }, stranger.privateKey)), /wrong signature/],
  ['a changed role', () => sent(certificateOf().replace('roles: agent', 'roles: coordinator'), { type: 'command' }), /wrong signature/],
  ['a later end', () => sent(certificateOf().replace('until: 2026', 'until: 2036')), /wrong signature/],
  ['the certificate of another key', () => sent(certificateOf(), {}, stranger.privateKey), /is that of key/],
  ['another role', () => sent(certificateOf(), { type: 'command' }), /not for the role coordinator/],
  ['another pool', () => sent(certificateOf(), { pool: 'other' }), /not for other/],
  ['another run', () => sent(certificateOf({ run: 'r2' })), /not for r1/],
  ['a key of another kind', () => sent(certificateOf({ key: spki(generateKeyPairSync('x25519').publicKey) })), /no key for Ed25519/],
  ['a message changed after it was signed', () => ({ ...sent(certificateOf()), body: '[1]' }), /^bad-signature/],
  ['a certificate of unlimited length', () => sent(certificateOf({ pool: 'x'.repeat(2000) })), /cannot be read/],
])('refuses %s', (_, signed, refusal) => {
  expect(refusalOf(() => trusting().verify(signed(), 'x'))).toMatch(refusal);
});

test('refuses a certificate outside its dates by more than clocks may differ', () => {
  const { from, until } = allowed;
  const at = (now: number): string | null => refusalOf(() => trusting(undefined, undefined, now).verify(sent(certificateOf()), 'x'));
  expect(at(from - CLOCK_TOLERANCE_MS)).toBeNull();
  expect(at(until + CLOCK_TOLERANCE_MS)).toBeNull();
  expect(at(from - CLOCK_TOLERANCE_MS - 1)).toMatch(/valid only from 2026-01-01T11:59:00Z/);
  expect(at(until + CLOCK_TOLERANCE_MS + 1)).toMatch(/^expired-certificate: expired at 2026-01-01T12:01:00Z/);
});

/** A batch of agent a1 as `read` gets it. */
function batch(seq: number, signer: Signer, change: object = {}) {
  const text = encodeEvents([], { pool: 'default', run: runId('r1'), sender: a1, seq, epoch: 0 }, signer);
  const fields = new Map([
    ['agent', a1],
    ['batch', JSON.stringify({ ...JSON.parse(text), ...change })],
  ]);
  return { id: `${seq}-0`, fields };
}

test('a message with an expired certificate proves its sender only with the key and the certificate of its earlier messages', () => {
  let now = NOW;
  const verifier = verifierOf({
    keys: [{ key: pool.publicKey, uses: ['certify'] }],
    mode: 'require',
    onDoubt: () => undefined,
    now: () => now,
  });
  const reader = { pool: 'default', run: runId('r1'), verifier: oneKeyEach(verifier) };
  const own = signerOf(agent.privateKey, certificateOf());
  const other = generateKeyPairSync('ed25519');
  expect(readEntry(batch(1, own), reader)).toMatchObject({ kind: 'events', from: { agent: a1, seq: 1 } });
  now = allowed.until + CLOCK_TOLERANCE_MS + 1;
  const from = { agent: a1, seq: 2 };
  expect(readEntry(batch(2, own), reader)).toMatchObject({ kind: 'unreadable', agent: a1, why: 'expired', from });
  for (const [forged, why] of [
    // Of somebody who has the certificate, and not the key.
    [batch(2, signerOf(stranger.privateKey, certificateOf()), { keyId: own.keyId }), 'not-trusted'],
    [batch(2, own, { body: '[ ]' }), 'not-trusted'],
    [batch(2, own, { seq: 3 }), 'not-trusted'],
    // Of another agent whose certificate has expired.
    [batch(2, signerOf(other.privateKey, certificateOf({ key: spki(other.publicKey) }))), 'expired'],
    // Of this agent, with an older certificate of its key.
    [batch(2, own, { certificate: certificateOf({ until: NOW - 1000 }) }), 'expired'],
  ] as const) {
    const entry = readEntry(forged, reader);
    expect(entry).toMatchObject({ kind: 'unreadable', why });
    expect(entry).not.toHaveProperty('from');
    expect(entry).not.toHaveProperty('keyId');
  }
});

test('an agent whose messages came with two certificates is never said to have an expired one', () => {
  let now = NOW;
  const verifier = verifierOf({
    keys: [{ key: pool.publicKey, uses: ['certify'] }],
    mode: 'require',
    onDoubt: () => undefined,
    now: () => now,
  });
  const reader = { pool: 'default', run: runId('r1'), verifier: oneKeyEach(verifier) };
  const [older, newer] = [allowed.until, allowed.until + 60_000].map((until) => certificateOf({ until }));
  for (const certificate of [older, newer])
    expect(readEntry(batch(1, signerOf(agent.privateKey, certificate)), reader)).toMatchObject({ kind: 'events' });
  now = allowed.until + CLOCK_TOLERANCE_MS + 1;
  expect(readEntry(batch(2, signerOf(agent.privateKey, older)), reader)).not.toHaveProperty('from');
});

test('a signed message that cannot be read names its problem, and its number is not missing', () => {
  const reader = { pool: 'default', run: runId('r1'), verifier: trusting() };
  const signer = signerOf(agent.privateKey, certificateOf());
  const signable = { ...message, seq: 2, keyId: signer.keyId, body: '[{"kind":"agent-left","agent":"a1","at":-1}]' };
  const entry = readEntry(batch(2, signer, { body: signable.body, signature: signer.sign(signable) }), reader);
  expect(entry).toMatchObject({ kind: 'unreadable', agent: a1, why: 'unreadable', from: { agent: a1, seq: 2 }, keyId: signer.keyId });
  if (entry.kind !== 'unreadable') return;
  expect(entry.problem).toContain('Could not parse a message of agent a1: ');
  expect(entry.problem).toContain('busySeconds');
  const state = openRun(opened([shardOf(1, ['test_a.py'])]));
  const read = (seq: number) => ({ kind: 'stream-read', at: 3000, position: `${seq}-0`, aheadMs: 0, from: { agent: a1, seq } }) as const;
  for (const event of [joined(a1), read(1), { ...entry, kind: 'message-rejected', at: 3000 } as const, read(3)]) reduce(state, event);
  expect(reportOf(state)).toMatchObject({ missingMessages: [], rejected: [{ agent: a1, why: 'unreadable', messages: 1 }] });
  expect(decideAll(state)).toContainEqual({ kind: 'dismiss-agent', agent: a1, why: 'messages' });
});

test('a message with an expired certificate of an unproven sender is rejected for that, and its agent stays', () => {
  const reader = { pool: 'default', run: runId('r1'), verifier: trusting(undefined, undefined, allowed.until + CLOCK_TOLERANCE_MS + 1) };
  const entry = readEntry(batch(2, signerOf(agent.privateKey, certificateOf())), reader);
  expect(entry).toMatchObject({ kind: 'unreadable', agent: a1, why: 'expired' });
  if (entry.kind !== 'unreadable') return;
  const state = openRun(opened([shardOf(1, ['test_a.py'])]));
  const { position, why, problem } = entry;
  for (const event of [joined(a1), { kind: 'message-rejected', at: 3000, position, agent: a1, why, problem } as const])
    reduce(state, event);
  expect(problem).toContain('expired at 2026-01-01T12:01:00Z');
  expect(decideAll(state).filter(({ kind }) => kind === 'dismiss-agent')).toEqual([]);
  expect(rejectionLines(reportOf(state))).toEqual([
    'REJECTED 1 message of agent a1 - the certificate of its key has expired. Fix: certify the key for longer.',
  ]);
});

test('warns of a certificate that expires before the deadline of a run', () => {
  const endsAt = (ms: number): string | null => endsTooEarly(certificateOf(), 'run.key', 'this run', allowed.until + ms);
  expect(endsAt(0)).toBeNull();
  expect(endsAt(1000)).toBe(
    'warning: the certificate run.key.cert expires at 2026-01-01T12:01:00Z, before the deadline of this run at 2026-01-01T12:01:01Z. Messages after that do not count. Fix: `shardline keygen run.key.pub --certify POOL_KEY --valid DURATION`',
  );
  expect(endsTooEarly('', 'run.key', 'this run', Number.MAX_SAFE_INTEGER)).toBeNull();
});

test('a verifier that has seen a certificate refuses it once it expires', () => {
  let now = NOW;
  const verifier = verifierOf({
    keys: [{ key: pool.publicKey, uses: ['certify'] }],
    mode: 'require',
    onDoubt: () => undefined,
    now: () => now,
  });
  expect(verifier.verify(sent(certificateOf()), 'x')).toBeNull();
  now = allowed.until + CLOCK_TOLERANCE_MS + 1;
  expect(refusalOf(() => verifier.verify(sent(certificateOf()), 'x'))).toMatch(/expired/);
});

test('only a key that is trusted to certify can certify, and it can do nothing else', () => {
  for (const use of keyUses.filter((each) => each !== 'certify'))
    expect(refusalOf(() => trusting(pool.publicKey, [use]).verify(sent(certificateOf()), 'x'))).toMatch(/no trusted pool key/);
  expect(refusalOf(() => trusting().verify(sent('', {}, pool.privateKey), 'x'))).toMatch(/^other-role/);
  // A certified key certifies nothing.
  const second = certificateOf({ key: spki(stranger.publicKey) }, agent.privateKey);
  expect(refusalOf(() => trusting().verify(sent(second, {}, stranger.privateKey), 'x'))).toMatch(/no trusted pool key/);
});

test('no more agents use a certificate than it is for', () => {
  const verifier = oneKeyEach(trusting());
  const certificate = certificateOf({ mostAgents: 2 });
  for (const sender of ['a1', 'a2', 'a1']) expect(refusalOf(() => verifier.verify(sent(certificate, { sender }), 'x'))).toBeNull();
  expect(refusalOf(() => verifier.verify(sent(certificate, { sender: 'a3' }), 'x'))).toMatch(/no more than 2 agents/);
  expect(refusalOf(() => verifier.verify(sent(certificate, { sender: 'a2' }), 'x'))).toBeNull();
});

test('agents of earlier coordinators count against the limit of their certificate', () => {
  const certificate = certificateOf({ mostAgents: 2 });
  const keys: NotedKeys = new Map();
  for (const sender of ['a1', 'a1', 'a2']) noteKey(keys, sent(certificate, { sender }));
  const verifier = oneKeyEach(trusting(), keys);
  expect(refusalOf(() => verifier.verify(sent(certificate, { sender: 'a3' }), 'x'))).toMatch(/no more than 2 agents/);
  for (const sender of ['a1', 'a2']) expect(refusalOf(() => verifier.verify(sent(certificate, { sender }), 'x'))).toBeNull();
});

test('an agent of an earlier coordinator proves itself with the certificate of its earlier messages', () => {
  const [own, other] = [certificateOf(), certificateOf({ until: NOW - 1000 })];
  const keys: NotedKeys = new Map();
  noteKey(keys, sent(own));
  const verifier = oneKeyEach(trusting(), keys);
  expect([own, other].map((certificate) => verifier.knows(sent(certificate)))).toEqual([true, false]);
  noteKey(keys, sent(other));
  expect(verifier.knows(sent(own))).toBe(true);
  expect(oneKeyEach(trusting(), keys).knows(sent(own))).toBe(false);
});
