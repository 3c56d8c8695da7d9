import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AttemptRequest } from '../../../shared/domain/attempt.ts';
import { agentId, attemptId, runId, shardId, testFile } from '../../../shared/domain/ids.ts';
import { decodeAttempt, encodeAttempt } from '../../../shared/wire/attempt.ts';
import { decodeCommand, encodeCommand } from '../../../shared/wire/control.ts';
import { COORDINATOR, decodeEnvelope, encodeMessage, LONGEST_MESSAGE, WIRE_VERSION } from '../../../shared/wire/envelope.ts';
import { decodeEvents, encodeEvents } from '../../../shared/wire/events.ts';
import { decodeSpec, encodeSpec } from '../../../shared/wire/run-spec.ts';
import { NO_VERIFIER } from '../../../shared/wire/signature.ts';
import { joined, opened } from '../core/run-kit.ts';

const { spec } = opened([]);
const address = { pool: 'default', run: runId('r1') };
const reader = { ...address, verifier: NO_VERIFIER };
const agent = agentId('a1');
const fromAgent = { ...address, sender: agent, seq: 3, epoch: 0 };
const fromCoordinator = { ...address, sender: COORDINATOR, seq: 3, epoch: 1_764_000_000_000 } as const;
const request: AttemptRequest = {
  id: attemptId(shardId(1), 2),
  shard: shardId(1),
  fence: 2,
  role: 'retry',
  selectors: [{ kind: 'file', file: testFile('test_a.py') }],
  predictedSeconds: 1,
  avoid: [agent],
};
const changed = (text: string, changes: object): string => JSON.stringify({ ...JSON.parse(text), ...changes });
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('the envelope', () => {
  test('carries each type of message', () => {
    const events = [joined(agent)];
    expect(decodeEvents(encodeEvents(events, fromAgent), reader, 'x')).toEqual(events);
    expect(decodeSpec(encodeSpec(spec), reader, 'x')).toEqual(spec);
    expect(decodeAttempt(encodeAttempt(request, address, 7), reader, 'x')).toEqual(request);
    const command = { kind: 'close-run', by: 'done' } as const;
    expect(decodeCommand(encodeCommand(command, fromCoordinator), reader, 'x')).toEqual(command);
  });

  test('names sender, number and epoch, and has room for a signature', () => {
    const text = encodeAttempt(request, address, 7);
    const own = { type: 'attempt', ...address, sender: COORDINATOR, seq: 2, epoch: 7, keyId: '', signature: '', certificate: '' };
    expect(decodeEnvelope(text, 'x')).toEqual({ ...own, body: JSON.stringify(request) });
    const signed = { keyId: 'k'.repeat(64), signature: 's'.repeat(128) };
    expect(decodeEnvelope(changed(text, signed), 'x')).toMatchObject(signed);
    expect(() => decodeEnvelope(changed(text, { keyId: 'k'.repeat(65) }), 'x')).toThrow(code('bad-message'));
    expect(() => decodeEnvelope(changed(text, { signature: 's'.repeat(129) }), 'x')).toThrow(code('bad-message'));
  });

  test('keeps the exact text of any body, on one line', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        const text = encodeMessage('record', fromCoordinator, body);
        expect(text).not.toContain('\n');
        expect(decodeEnvelope(text, 'x').body).toBe(JSON.stringify(body));
      }),
    );
    // An object that is parsed and encoded again would lose these spaces and digits.
    const exact = '{"at": 1.50,  "kind":"tick"}';
    const text = changed(encodeMessage('record', fromCoordinator, null), { body: exact });
    expect(decodeEnvelope(text, 'x').body).toBe(exact);
  });

  test.each([
    ['a newer version', { version: WIRE_VERSION + 1 }, 'newer-version'],
    ['an older version', { version: WIRE_VERSION - 1 }, 'older-version'],
    ['another run', { run: 'r2' }, 'bad-message'],
    ['another pool', { pool: 'other' }, 'bad-message'],
    ['another type', { type: 'command' }, 'bad-message'],
    ['a sender that can be no agent', { sender: 'a/1' }, 'bad-message'],
    ['a negative number', { seq: -1 }, 'bad-message'],
    ['an epoch beyond exact numbers', { epoch: 2 ** 60 }, 'bad-message'],
    ['a body that is no JSON', { body: '[' }, 'bad-message'],
    ['a body with an unknown event', { body: '[{"kind":"odd"}]' }, 'bad-message'],
    ['another sender', { sender: 'a2' }, 'bad-message'],
  ])('refuses a batch of %s', (_, changes, expected) => {
    const text = changed(encodeEvents([joined(agent)], fromAgent), changes);
    expect(() => decodeEvents(text, reader, 'x')).toThrow(code(expected));
  });

  test('refuses messages of earlier versions, which had no envelope, with a way out', () => {
    const older = JSON.stringify({ version: 4, events: [] });
    expect(() => decodeEvents(older, reader, 'the stream')).toThrow(/the stream is in format 4.*Run the same version everywhere/s);
  });

  test('refuses more than one line, and what is no JSON', () => {
    expect(() => decodeEvents(`${encodeEvents([], fromAgent)}\n`, reader, 'x')).toThrow(code('bad-message'));
    expect(() => decodeEvents('', reader, 'x')).toThrow(code('bad-message'));
  });

  test('refuses a message that is too long before it parses any of it', () => {
    expect(() => decodeEnvelope('['.repeat(LONGEST_MESSAGE + 1), 'the stream')).toThrow(/256,000,001 characters, more than 256,000,000/);
  });

  test('refuses the spec of a run whose envelope names another', () => {
    const text = encodeSpec({ ...spec, runId: runId('r2') });
    expect(() => decodeSpec(changed(text, { run: 'r1' }), reader, 'x')).toThrow(code('bad-message'));
  });
});
