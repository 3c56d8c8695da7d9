// Messages of a known form with impossible numbers, ids or sizes.

import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { coverageFiles } from '../../coordinator/commands/coverage/coverage-files.ts';
import { reduce } from '../../coordinator/core/state/reduce.ts';
import { readEntry } from '../../coordinator/redis/stream-entry.ts';
import { COVERAGE_LIMITS } from '../../shared/domain/coverage.ts';
import type { RunEvent } from '../../shared/domain/events.ts';
import { agentId, runId } from '../../shared/domain/ids.ts';
import { replaceFile } from '../../shared/system/files/replace-file.ts';
import { decodeEvents, encodeEvents } from '../../shared/wire/events.ts';
import { decodeReport, encodeReport } from '../../shared/wire/report/report.ts';
import { NO_VERIFIER } from '../../shared/wire/signature.ts';
import {
  a1,
  closedDone,
  collected,
  ended,
  enqueued,
  finished,
  joined,
  opened,
  reported,
  reportOf,
  shardOf,
  started,
  stateAfter,
} from '../unit/core/run-kit.ts';

const reader = { pool: 'default', run: runId('r1'), verifier: NO_VERIFIER };
const sent = (...events: readonly RunEvent[]): string =>
  encodeEvents(events, { pool: 'default', run: reader.run, sender: a1, seq: 1, epoch: 0 });
const read = (text: string, agent = 'a1') =>
  readEntry(
    {
      id: '1-0',
      fields: new Map([
        ['agent', agent],
        ['batch', text],
      ]),
    },
    reader,
  );

test('an agent has at most 4,096 workers', () => {
  expect(read(sent(joined(a1, 1000, 4096)))).toMatchObject({ kind: 'events' });
  expect(read(sent(joined(a1, 1000, Number.MAX_SAFE_INTEGER)))).toMatchObject({ kind: 'unreadable', agent: 'a1', why: 'unreadable' });
});

test('a result with impossible times is counted, and the report can be read', () => {
  const strange = sent(reported(a1, 1, 1, finished('test_a.py::test_x', 'failed', { startedAt: 1e300, seconds: -5, setupSeconds: 1e300 })));
  const state = stateAfter(opened([shardOf(1, ['test_a.py'])]), joined(a1), enqueued(1), started(a1, 1));
  reduce(state, reported(a1, 1, 1, collected('test_a.py', ['test_a.py::test_x'])));
  for (const event of decodeEvents(strange, reader, 'x')) reduce(state, event);
  for (const event of [ended(a1, 1), closedDone()]) reduce(state, event);
  const report = decodeReport([...encodeReport(reportOf(state))].join(''), 'report.json');
  expect(report.tests.map(({ outcome, seconds }) => [outcome, seconds])).toEqual([['failed', 0]]);
});

test('an id with control characters, slashes or line breaks counts under no sender', () => {
  for (const id of ['\u001b[2J', 'a/b', 'a\nb', '../a', '', 'a'.repeat(129)]) expect(read('{', id)).toMatchObject({ agent: null });
});

test('coverage data that inflate beyond the limit are not written', async () => {
  const place = await mkdtemp(join(tmpdir(), 'shardline-test-bomb-'));
  try {
    const bomb = deflateSync(Buffer.alloc(1_000_000));
    expect(bomb.length).toBeLessThan(2000);
    const limits = { ...COVERAGE_LIMITS, fileBytes: 999_999 };
    const files = coverageFiles(join(place, 'data'), { takeCoverage: async () => bomb }, limits);
    files.take({
      agent: a1,
      origin: { workspace: '/w', packages: '/p' },
      parts: [{ part: 1, chunks: 2 }],
      attempts: [],
      lost: [],
      problem: null,
    });
    await files.settled();
    expect([files.problems.length, files.pathOf(a1, 1)]).toEqual([1, undefined]);
    await files.remove();
    expect(await readdir(place)).toEqual([]);
  } finally {
    await rm(place, { recursive: true });
  }
});

test('a file is written through a temporary file whose name nobody can guess, and through no link of the old name', async () => {
  const place = await mkdtemp(join(tmpdir(), 'shardline-test-links-'));
  try {
    const victim = join(place, 'victim');
    await writeFile(victim, 'kept');
    for (const name of [`out.json.${process.pid}.tmp`, 'out.json.tmp', 'out.json']) await symlink(victim, join(place, name));
    await replaceFile(join(place, 'out.json'), 'new');
    expect(await readFile(victim, 'utf8')).toBe('kept');
    expect(await readFile(join(place, 'out.json'), 'utf8')).toBe('new');
  } finally {
    await rm(place, { recursive: true });
  }
});

test('no script of a package runs when the packages of this repository are installed', async () => {
  const installer = await readFile(new URL('../../scripts/with-node.cjs', import.meta.url), 'utf8');
  expect(installer).toMatch(/'ci', .*'--ignore-scripts'/);
});

test('an agent that joins under many names is counted up to a limit', () => {
  const state = stateAfter(opened([shardOf(1, ['test_a.py'])]));
  for (let each = 0; each < 20_000; each += 1) reduce(state, joined(agentId(`false-${each}`)));
  expect(reportOf(state).agents).toHaveLength(10_000);
});
