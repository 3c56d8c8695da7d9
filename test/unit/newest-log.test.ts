// Which log a run is resumed from: the file, or the log in Redis.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newestLog } from '../../coordinator/commands/serving/found-run.ts';
import { openFileLog } from '../../coordinator/record/file-log.ts';
import { createRecorder } from '../../coordinator/record/recorder.ts';
import { runId } from '../../shared/domain/ids.ts';
import type { LogRecord } from '../../shared/wire/run-log.ts';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shardline-test-newest-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Records of one coordinator, one a second, after the record `from`. */
function recordsOf(epoch: number, from: number, to: number): readonly LogRecord[] {
  const recorder = createRecorder({ append: async () => undefined }, { address: { pool: 'p', run: runId('r1') }, epoch, seq: from });
  for (let seq = from + 1; seq <= to; seq += 1) recorder.add({ kind: 'tick', at: seq });
  return recorder.flush();
}

async function pick(file: readonly LogRecord[] | null, shared: readonly LogRecord[], known: string | null): Promise<string | null> {
  const path = join(directory, file === null ? 'none.ndjson' : 'events.ndjson');
  if (file !== null) {
    const log = openFileLog(path);
    await log.append(file);
    await log.close();
  }
  const read = async function* (): AsyncGenerator<LogRecord> {
    yield* shared;
  };
  return (await newestLog(path, { read, last: async () => shared.at(-1) ?? null }, known))?.from ?? null;
}

const begun = recordsOf(1, 0, 5);
const own = (records: readonly LogRecord[]): string => records.at(-1)?.own ?? '';

test.each([
  ['the file, if it has everything that Redis has', begun, recordsOf(1, 0, 3), 'file'],
  ['the log in Redis, if another coordinator has continued the run', begun, [...begun, ...recordsOf(2, 5, 7)], 'redis'],
  [
    'the log in Redis, also if a coordinator that was cut off from it has written more records to the file',
    recordsOf(1, 0, 20),
    [...begun, ...recordsOf(2, 5, 7)],
    'redis',
  ],
  ['the log in Redis, if there is no file', null, begun, 'redis'],
] as const)('resumes from %s', async (_, file, shared, from) => {
  expect(await pick(file, shared, null)).toBe(from);
});

test('without a log in Redis, resumes from a file only if the file has every record that is known', async () => {
  expect(await pick(begun, [], own(begun))).toBe('file');
  expect(await pick(begun, [], own(recordsOf(2, 5, 7)))).toBeNull();
  expect(await pick(null, [], own(begun))).toBeNull();
});
