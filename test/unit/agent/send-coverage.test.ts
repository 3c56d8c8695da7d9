import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createCovered } from '../../../agent/pytest/coverage-ledger.ts';
import { coverageSender } from '../../../agent/send-coverage.ts';
import { COVERAGE_LIMITS } from '../../../shared/domain/coverage.ts';
import type { RunEvent } from '../../../shared/domain/events.ts';
import { agentId, attemptId, shardId } from '../../../shared/domain/ids.ts';

const origin = { workspace: '/w', packages: '/p' };
const [first, second] = [attemptId(shardId(1), 1), attemptId(shardId(2), 1)];

/** Sends the coverage in a directory of these files (name → text, or size of a sparse file). Returns the stored data and the sent events. */
async function send(files: Readonly<Record<string, string | number>>) {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-test-coverage-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(directory, name), typeof content === 'string' ? content : '');
      if (typeof content === 'number') await truncate(join(directory, name), content);
    }
    const stored: string[] = [];
    const reported: RunEvent[] = [];
    const run = {
      async storeCoverage(part: number, data: Uint8Array) {
        stored.push(inflateSync(data).toString());
        return { part, chunks: 1 };
      },
    };
    const sender = coverageSender(run, { push: (event) => reported.push(event) }, agentId('a1'), { now: () => 5 });
    await sender({ directory, origin, attempts: [first], lost: [second] });
    return { stored, reported };
  } finally {
    await rm(directory, { recursive: true });
  }
}

test('sends every coverage data file, and reports which attempts they cover', async () => {
  const { stored, reported } = await send({ data: 'all', 'data.host.1.x': 'of a worker', 'data-journal': 'of SQLite' });
  expect(stored).toEqual(['all', 'of a worker']);
  const parts = [
    { part: 1, chunks: 1 },
    { part: 2, chunks: 1 },
  ];
  expect(reported).toEqual([
    { kind: 'coverage-kept', at: 5, coverage: { agent: 'a1', origin, parts, attempts: [first], lost: [second], problem: null } },
  ]);
});

test('counts no attempt as covered if a data file is missing or too large', async () => {
  const nothing = { attempts: [], lost: [first, second] };
  expect((await send({})).reported).toMatchObject([{ coverage: { ...nothing, parts: [], problem: null } }]);
  const { reported } = await send({ data: 'small', 'data.large': COVERAGE_LIMITS.fileBytes + 1 });
  expect(reported).toMatchObject([{ coverage: { ...nothing, problem: expect.stringContaining('agent a1 could not send its coverage') } }]);
});

test('an attempt is covered if its worker wrote its data and none died while running it', () => {
  const covered = createCovered();
  covered.done(first, true);
  expect(covered.ledger()).toBeNull();
  covered.begin(origin);
  covered.done(second, true);
  covered.lose(second);
  expect(covered.ledger()).toEqual({ origin, attempts: [first], lost: [second] });
});
