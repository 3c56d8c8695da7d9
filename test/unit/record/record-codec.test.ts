import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { CoordinatorEvent, OwnEvent } from '../../../coordinator/core/state/events.ts';
import { decodeLog } from '../../../coordinator/record/record-codec.ts';
import { createRecorder, type LogWriter } from '../../../coordinator/record/recorder.ts';
import { replayLog } from '../../../coordinator/record/replay-log.ts';
import { type AgentId, runId } from '../../../shared/domain/ids.ts';
import { decodeEnvelope, WIRE_VERSION } from '../../../shared/wire/envelope.ts';
import { encodeEvents } from '../../../shared/wire/events.ts';
import type { LogRecord } from '../../../shared/wire/run-log.ts';
import { NO_VERIFIER, type Signer, signerOf, verifierOf } from '../../../shared/wire/signature.ts';
import { collect } from '../../support/recorded-events.ts';
import { a1, a2, finished, joined, opened, reported, shardOf } from '../core/run-kit.ts';

const opening = opened([shardOf(1, ['test_a.py'])]);
const address = { pool: 'default', run: runId('r1') };
const tick: OwnEvent = { kind: 'tick', at: 2000 };
const events = [joined(a1), reported(a1, 1, 1, finished('test_a.py::test_x'))] as const;
const text = encodeEvents(events, { ...address, sender: a1, seq: 1, epoch: 0 });

function recording(writer: Partial<LogWriter> = {}) {
  const writes: (readonly LogRecord[])[] = [];
  const recorder = createRecorder({ append: async (records) => void writes.push(records) }, { address, epoch: 7, seq: 0, ...writer });
  return { recorder, writes, records: () => writes.flat() };
}
function recordsOf(...own: readonly OwnEvent[]): readonly LogRecord[] {
  const { recorder, records } = recording();
  for (const event of own) recorder.add(event);
  recorder.flush();
  return records();
}
const decoded = async (records: readonly LogRecord[]): Promise<readonly CoordinatorEvent[]> =>
  (await collect(decodeLog(records, 'the log'))).flatMap(({ events: its }) => its);

describe('the recorder', () => {
  test('writes a turn at once, and numbers records under its epoch', () => {
    const { recorder, writes } = recording({ epoch: 9, seq: 4 });
    recorder.add(opening);
    recorder.add(tick);
    expect(writes).toEqual([]);
    recorder.flush();
    recorder.flush();
    recorder.add(tick);
    recorder.flush();
    expect(writes.map(({ length }) => length)).toEqual([2, 1]);
    const numbers = writes.flat().map(({ own }) => decodeEnvelope(own, 'x'));
    expect(numbers.map(({ type, sender, seq, epoch }) => [type, sender, seq, epoch])).toEqual(
      [5, 6, 7].map((seq) => ['record', 'coordinator', seq, 9]),
    );
    expect(recorder.seq()).toBe(7);
  });
});

describe('a log', () => {
  test('gives back events in the order of the loop, with times of agents moved to the clock of the coordinator', async () => {
    const { recorder, records } = recording();
    recorder.add(opening);
    const read = { kind: 'stream-read', at: 2500, position: '5-0', aheadMs: 400 } as const;
    recorder.addEntry({ kind: 'stream-entry', text, events, read });
    recorder.add(tick);
    recorder.flush();
    const [first, joinedThen, toldThen, ...others] = await decoded(records());
    expect([first, ...others]).toEqual([opening, read, tick]);
    expect(joinedThen).toEqual({ ...joined(a1), at: 600 });
    expect(toldThen).toMatchObject({ event: { at: 2600, result: { startedAt: 2100 } } });
    expect(records()[1]?.batch?.text).toBe(text);
  });

  test('keeps the number and the key of a rejected message', async () => {
    const from = { agent: a1, seq: 4 };
    const rejected = { kind: 'message-rejected', at: 2500, position: '5-0', agent: a1, why: 'expired', problem: 'x', from } as const;
    // An earlier version did not record the key.
    const events = [opening, rejected, { ...rejected, keyId: '0123456789abcdef' }] as const;
    expect(await decoded(recordsOf(...events))).toEqual(events);
  });

  test('is refused when a record is missing, or out of order', async () => {
    const [one, two, three] = recordsOf(opening, tick, tick) as [LogRecord, LogRecord, LogRecord];
    await expect(decoded([one, three])).rejects.toThrow(/record 2 is missing/);
    await expect(decoded([one, three, two])).rejects.toMatchObject({ code: 'bad-message' });
  });

  test('is refused when a record belongs to another run, except after a restart', async () => {
    const [one] = recordsOf(opening) as [LogRecord];
    const other = recording({ address: { ...address, run: runId('r1-again') }, seq: 1 });
    other.recorder.add(tick);
    other.recorder.flush();
    await expect(decoded([one, ...other.records()])).rejects.toMatchObject({ code: 'bad-message' });
    const restarted = recordsOf({ kind: 'run-restarted', at: 1, opening });
    expect(await decoded([...restarted, ...other.records()])).toHaveLength(2);
  });

  test('is refused when a batch and the record of its reading are not together', async () => {
    const read = { kind: 'stream-read', at: 1, position: '5-0', aheadMs: 0 } as const;
    const [alone] = recordsOf(read) as [LogRecord];
    await expect(decoded([alone])).rejects.toMatchObject({ code: 'bad-message' });
    const [own] = recordsOf(tick) as [LogRecord];
    await expect(decoded([{ ...own, batch: { position: '5-0', text } }])).rejects.toMatchObject({ code: 'bad-message' });
  });

  test('is refused in another version, and with an event that no coordinator records', async () => {
    const [own] = recordsOf(tick) as [LogRecord];
    const changed = (changes: object): LogRecord => ({ ...own, own: JSON.stringify({ ...JSON.parse(own.own), ...changes }) });
    await expect(decoded([changed({ version: WIRE_VERSION - 1 })])).rejects.toMatchObject({ code: 'older-version' });
    await expect(decoded([changed({ version: WIRE_VERSION + 1 })])).rejects.toMatchObject({ code: 'newer-version' });
    await expect(decoded([changed({ body: JSON.stringify(joined(a1)) })])).rejects.toMatchObject({ code: 'bad-message' });
  });

  test('is replayed with its last number, and is null without an opening', async () => {
    expect(await replayLog(recordsOf(opening, tick), 'the log')).toMatchObject({ seq: 2, position: '0', state: { coordinatorAt: 2000 } });
    expect(await replayLog(recordsOf(tick), 'the log')).toBeNull();
    expect(await replayLog([], 'the log')).toBeNull();
  });
});

describe('a signed log', () => {
  const [ours, theirs] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
  const verifier = verifierOf({
    keys: [{ key: ours.publicKey, uses: ['coordinator'] }],
    mode: 'require',
    onDoubt: () => undefined,
    now: () => 0,
  });
  const read = { kind: 'stream-read', at: 2500, position: '5-0', aheadMs: 0 } as const;
  const recorded = (key: typeof ours | null): readonly LogRecord[] => {
    const { recorder, records } = recording({ signer: key === null ? null : signerOf(key.privateKey) });
    recorder.add(opening);
    recorder.addEntry({ kind: 'stream-entry', text, events, read });
    recorder.flush();
    return records();
  };
  const verified = (records: readonly LogRecord[]) => collect(decodeLog(records, 'the log', verifier));

  test('counts only if a trusted coordinator has signed every record', async () => {
    const signed = recorded(ours);
    expect(await verified(signed)).toHaveLength(2);
    await expect(verified(recorded(null))).rejects.toMatchObject({ code: 'not-signed' });
    await expect(verified(recorded(theirs))).rejects.toMatchObject({ code: 'unknown-key' });
    const [first, last] = signed as [LogRecord, LogRecord];
    const message = JSON.parse(first.own);
    const later = { ...first, own: JSON.stringify({ ...message, body: `${message.body} ` }) };
    await expect(verified([later, last])).rejects.toMatchObject({ code: 'bad-signature' });
  });

  test('has the numbers of its batches, also if an earlier version wrote it', async () => {
    const records = await verified(recorded(ours));
    const { seq } = decodeEnvelope(text, 'x');
    expect(records.flatMap((record) => record.events).at(-1)).toMatchObject({ kind: 'stream-read', from: { agent: a1, seq } });
    const unverified = await collect(decodeLog(recorded(ours), 'the log'));
    expect(unverified.flatMap((record) => record.events).at(-1)).not.toHaveProperty('from');
  });

  test('has the keys of agents whose messages a coordinator has verified, without those that it only recorded', async () => {
    const agents = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')].map(({ privateKey }) => signerOf(privateKey));
    const [first, other] = agents as [Signer, Signer];
    const { recorder, records } = recording({ signer: signerOf(ours.privateKey) });
    const add = (agent: AgentId, seq: number, signer: Signer, isVerified = true): void => {
      const sent = encodeEvents([joined(agent)], { ...address, sender: agent, seq, epoch: 0 }, signer);
      const from = isVerified ? { from: { agent, seq } } : {};
      recorder.addEntry({ kind: 'stream-entry', text: sent, events: [joined(agent)], read: { ...read, ...from } });
    };
    recorder.add(opening);
    add(a2, 1, other, false);
    add(a1, 1, first);
    add(a1, 2, other);
    const rejected = { kind: 'message-rejected', at: 2500, position: '6-0', agent: a2, why: 'unreadable', problem: 'x' } as const;
    recorder.add(rejected);
    recorder.add({ ...rejected, from: { agent: a2, seq: 2 }, keyId: first.keyId });
    recorder.flush();
    for (const trusting of [verifier, NO_VERIFIER]) {
      const replayed = await replayLog(records(), 'the log', () => undefined, trusting);
      expect(replayed?.keys).toEqual(
        new Map([
          [a1, { keyId: first.keyId, certificates: new Set(['']) }],
          [a2, { keyId: first.keyId, certificates: new Set() }],
        ]),
      );
    }
    recorder.add({ kind: 'run-restarted', at: 3000, opening });
    recorder.flush();
    // Agents join the second run anew, and some of them under other names.
    expect((await replayLog(records(), 'the log'))?.keys).toEqual(new Map());
  });

  test('counts only with the batches that were recorded', async () => {
    const [first, last] = recorded(ours) as [LogRecord, LogRecord];
    const other = encodeEvents(events, { ...address, sender: a1, seq: 2, epoch: 0 });
    await expect(verified([first, { ...last, batch: { position: '5-0', text: other } }])).rejects.toThrow(/not the one that was recorded/);
    // A log that nobody needs to verify has no digests.
    expect(JSON.parse(decodeEnvelope(recorded(null)[1]?.own ?? '', 'x').body)).toEqual(read);
  });
});
