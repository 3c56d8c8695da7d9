import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { coverageFiles } from '../../../coordinator/commands/coverage/coverage-files.ts';
import { coverageLines } from '../../../coordinator/reporters/summary/coverage-text.ts';
import type { CoveragePart, KeptCoverage, ReportedCoverage } from '../../../shared/domain/coverage.ts';
import { agentId, testFile } from '../../../shared/domain/ids.ts';
import { sampleReport } from './sample-report.ts';

let place = '';
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'shardline-test-coverage-'));
});
afterAll(() => rm(place, { recursive: true }));

const a1 = agentId('a1');
const kept = (...parts: readonly CoveragePart[]): KeptCoverage => ({
  ...{ agent: a1, origin: { workspace: '/w', packages: '/p' }, parts, attempts: [], lost: [], problem: null },
});

test('takes each data file once, also after a takeover, and reports missing and damaged files', async () => {
  const stored = new Map([
    [1, deflateSync('one')],
    [2, Buffer.from('not compressed')],
  ]);
  const takeCoverage = async (_: unknown, { part }: CoveragePart): Promise<Buffer | null> => {
    const data = stored.get(part) ?? null;
    stored.delete(part);
    return data;
  };
  const directory = join(place, 'data');
  const files = coverageFiles(directory, { takeCoverage });
  files.take(kept({ part: 1, chunks: 1 }, { part: 2, chunks: 1 }, { part: 3, chunks: 1 }));
  await files.settled();
  expect(await readFile(files.pathOf(a1, 1) ?? '', 'utf8')).toBe('one');
  expect([files.pathOf(a1, 2), files.pathOf(a1, 3)]).toEqual([undefined, undefined]);
  expect(files.problems).toEqual([
    expect.stringContaining('did not receive a data file of agent a1: incorrect header check'),
    'did not receive a data file of agent a1: Redis does not have it',
  ]);

  const next = coverageFiles(directory, { takeCoverage });
  next.take(kept({ part: 1, chunks: 1 }));
  await next.settled();
  expect([next.pathOf(a1, 1), next.problems]).toEqual([files.pathOf(a1, 1), []]);
  await next.remove();
  expect(await readdir(place)).toEqual([]);
});

const lines = (changes: Partial<ReportedCoverage>, table = ''): readonly string[] =>
  coverageLines(
    {
      ...sampleReport([]),
      coverage: { percent: 85.7142, failUnder: null, isMet: null, missing: [], problems: [], warnings: [], ...changes },
    },
    table,
  );

test('the terminal shows the total, whether it is complete, and the limit it misses', () => {
  expect(lines({}, 'Name  Cover\n')).toEqual(['Name  Cover', 'coverage 85.71 %']);
  expect(lines({ failUnder: 80, isMet: true })).toEqual(['coverage 85.71 %, limit 80 %']);
  expect(lines({ failUnder: 90, isMet: false })).toEqual(['ERROR coverage of 85.71 % is below the limit of 90 % (--cov-fail-under)']);
  const missing = [{ file: testFile('tests/test_\u001b[31ma.py'), agent: a1 }];
  expect(lines({ failUnder: 90, missing, problems: ['one\ntwo'] })).toEqual([
    expect.stringMatching(/^COVERAGE MISSING one.*two$/),
    expect.stringMatching(/^COVERAGE MISSING tests\/test_.*a\.py - it ran on a1$/),
    'coverage 85.71 % of what arrived, limit 90 % not checked',
  ]);
  expect(lines({ missing }).join('')).not.toContain('\u001b');
  const stopped = sampleReport([]);
  const coverage: ReportedCoverage = { percent: 50, failUnder: null, isMet: null, missing: [], problems: [], warnings: [] };
  expect(coverageLines({ ...stopped, totals: { ...stopped.totals, notRun: 1 }, coverage }, '')).toEqual(['coverage 50 % of what ran']);
  expect(coverageLines(stopped, '')).toEqual([]);
});
