// `events.ndjson` as a file: what is left of it when its writer dies, and whose it is. The contract of a run log has a suite of its own.

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OwnEvent } from '../../../coordinator/core/state/events.ts';
import { createFileLog, openFileLog, readFileLog, recordedRun } from '../../../coordinator/record/file-log.ts';
import { createRecorder } from '../../../coordinator/record/recorder.ts';
import { runId } from '../../../shared/domain/ids.ts';
import { encodeEvents } from '../../../shared/wire/events.ts';
import type { LogRecord } from '../../../shared/wire/run-log.ts';
import { collect } from '../../support/recorded-events.ts';
import { a1, joined } from '../core/run-kit.ts';

const address = { pool: 'default', run: runId('r1') };
const tick = (at: number): OwnEvent => ({ kind: 'tick', at });

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shardline-test-log-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const recordsOf = (...events: readonly OwnEvent[]): readonly LogRecord[] => {
  const records: LogRecord[] = [];
  const recorder = createRecorder({ append: async (added) => void records.push(...added) }, { address, epoch: 7, seq: 0 });
  for (const event of events) recorder.add(event);
  recorder.flush();
  return records;
};
const batch = encodeEvents([joined(a1)], { ...address, sender: a1, seq: 1, epoch: 0 });
const batchRead = (): readonly LogRecord[] =>
  recordsOf({ kind: 'stream-read', at: 5, position: '9-0', aheadMs: 0 }).map((record) => ({
    ...record,
    batch: { position: '9-0', text: batch },
  }));

test('drops a last line that was cut off, and a batch whose record was not written', async () => {
  const path = join(directory, 'torn.ndjson');
  const log = openFileLog(path);
  await log.append(recordsOf(tick(1), tick(2)));
  await log.close();
  const whole = await readFile(path, 'utf8');
  await writeFile(path, `${whole}${whole.slice(0, 40)}`);
  expect(await collect(readFileLog(path))).toEqual(recordsOf(tick(1), tick(2)));
  await writeFile(path, `${whole}${batch}\n`);
  expect(await collect(readFileLog(path))).toEqual(recordsOf(tick(1), tick(2)));
});

test('keeps the bytes of a batch as its agent sent it, on a line of its own before its record', async () => {
  const path = join(directory, 'batch.ndjson');
  const log = openFileLog(path);
  await log.append(batchRead());
  await log.close();
  const [record] = batchRead();
  expect(await readFile(path, 'utf8')).toBe(`${batch}\n${record?.own}\n`);
  await writeFile(path, `${batch}\n${recordsOf(tick(1))[0]?.own}\n`);
  await expect(collect(readFileLog(path))).rejects.toMatchObject({ code: 'bad-message' });
  await writeFile(path, `${batch}\n${batch}\n`);
  await expect(collect(readFileLog(path))).rejects.toMatchObject({ code: 'bad-message' });
});

test('is ours until another log replaces it, and names its run', async () => {
  const path = join(directory, 'own.ndjson');
  const log = openFileLog(path);
  expect(recordedRun(path)).toBeNull();
  await log.append(recordsOf(tick(1)));
  expect([log.isOurs(), recordedRun(path)]).toEqual([true, 'r1']);
  await openFileLog(path).close();
  expect(log.isOurs()).toBe(false);
  await log.close();
  expect(recordedRun(join(directory, 'nowhere.ndjson'))).toBeNull();
});

test('stays beside its path until it is published, and leaves nothing behind when it is discarded', async () => {
  const folder = join(directory, 'beside');
  await mkdir(folder);
  const path = join(folder, 'events.ndjson');
  const former = openFileLog(path);
  await former.append(recordsOf(tick(1)));
  const discarded = createFileLog(path);
  await discarded.append(recordsOf(tick(2)));
  discarded.discard();
  expect([former.isOurs(), await readdir(folder)]).toEqual([true, ['events.ndjson']]);
  const next = createFileLog(path);
  await next.append(recordsOf(tick(3)));
  expect(await collect(former.read())).toEqual(recordsOf(tick(1)));
  next.publish();
  next.discard();
  expect([former.isOurs(), next.isOurs()]).toEqual([false, true]);
  expect(await collect(next.read())).toEqual(recordsOf(tick(3)));
  await former.close();
  await next.close();
});

test('is ours if it could not be created', async () => {
  const path = join(directory, 'taken');
  await mkdir(path);
  const log = openFileLog(path);
  expect(log.isOurs()).toBe(true);
  await expect(log.close()).rejects.toMatchObject({ code: 'output-not-writable' });
});

test('reports a write error when it is closed', async () => {
  const log = openFileLog(join(directory, 'nowhere', 'events.ndjson'));
  await log.append(recordsOf(tick(1)));
  await expect(log.close()).rejects.toMatchObject({ code: 'output-not-writable' });
});

test('shares no temporary file with a log that a process with the same pid, in another container, writes beside the same path', async () => {
  const folder = join(directory, 'shared-volume');
  await mkdir(folder);
  const path = join(folder, 'events.ndjson');
  const logs = [createFileLog(path), createFileLog(path)];
  for (const [index, log] of logs.entries()) await log.append(recordsOf(tick(index)));
  expect((await readdir(folder)).length).toBe(2);
  for (const [index, log] of logs.entries()) {
    log.publish();
    expect(await collect(log.read())).toEqual(recordsOf(tick(index)));
  }
  for (const log of logs) await log.close();
  expect(await readdir(folder)).toEqual(['events.ndjson']);
});
