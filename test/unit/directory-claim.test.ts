// What a command concludes from a log that is no longer its own.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { claimDirectory } from '../../coordinator/commands/serving/directory-claim.ts';
import { restartedId } from '../../coordinator/core/decide/restart.ts';
import { openFileLog } from '../../coordinator/record/file-log.ts';
import { createRecorder } from '../../coordinator/record/recorder.ts';
import { type RunId, runId } from '../../shared/domain/ids.ts';

const id = runId('r1');

let out = '';
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'shardline-test-claim-'));
});
afterAll(() => rm(out, { recursive: true, force: true }));

/** Another command's log of this run, in place of the log of run r1. */
async function replacedBy(run: RunId): Promise<void> {
  const log = openFileLog(join(out, 'events.ndjson'));
  const recorder = createRecorder(log, { address: { pool: 'p', run }, epoch: 1, seq: 0 });
  recorder.add({ kind: 'tick', at: 1 });
  recorder.flush();
  await log.close();
}

const claim = (isOurs: boolean) => claimDirectory({ id, out }, { isOurs: () => isOurs });

test('keeps the directory while the log in it is its own', () => {
  expect(claim(true)).toBeNull();
});

test.each([
  ['the run', id],
  ['the run after it restarted, whose log begins with its second id', restartedId(id)],
])('finds that another command has resumed %s', async (_, run) => {
  await replacedBy(run);
  expect(() => claim(false)).toThrow(expect.objectContaining({ code: 'taken-over' }));
});

test('leaves the directory to another run that began there', async () => {
  await replacedBy(runId('r2'));
  expect(claim(false)).toMatchObject({ code: 'out-in-use' });
});
