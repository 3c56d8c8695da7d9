import { expect, test } from 'vitest';
import { type CollectQuestion, decideCollect } from '../../../coordinator/core/decide/collect-choice.ts';
import { type TestFile, testFile } from '../../../shared/domain/ids.ts';
import type { Census } from '../../../shared/domain/suite/census.ts';

const FILES = Array.from({ length: 40 }, (_, index) => testFile(`tests/test_${index}.py`));

const census: Census = {
  problems: [],
  inseparable: null,
  inseparableFile: null,
  companions: [],
  loads: [],
  failed: [],
  uncollected: null,
  files: new Map(FILES.map((file) => [file, { content: 'a'.repeat(64), digest: 'b'.repeat(64) }])),
};

/** The contents of all files; the first `changed` of them have changed. */
const contents = (changed: number): ReadonlyMap<TestFile, string> =>
  new Map(FILES.map((file, index) => [file, (index < changed ? 'c' : 'a').repeat(64)]));

const decide = (changes: Partial<CollectQuestion> = {}) =>
  decideCollect({ asked: 'auto', unstreamable: null, namesTests: false, census, contents: contents(0), ...changes });

test('collects by file after a whole collection without problems, and expects unchanged files to hold the same', () => {
  const { mode, why, digests } = decide({ contents: contents(10) });
  expect([mode, why, digests.size]).toEqual(['file', null, 30]);
});

test('collects by file where tests need what other files import, if no file is new or has changed', () => {
  expect(decide({ census: { ...census, companions: [testFile('tests/test_7.py')] } }).mode).toBe('file');
});

test.each<[string, Partial<CollectQuestion>, RegExp | null]>([
  ['first run with these conftest files, plugins and options', { census: null }, /No action needed\.$/],
  ['single tests are named', { namesTests: true }, null],
  ['--lf needs the whole list of tests', { unstreamable: '--lf needs the whole list of tests' }, null],
  [
    'tests/test_1.py could not be collected in the last run',
    { census: { ...census, uncollected: testFile('tests/test_1.py') } },
    /^Fix that error /,
  ],
  ['11 files are new or have changed since it was last collected', { contents: contents(11) }, /No action needed\.$/],
  ['a hook sorts (and 1 more)', { census: { ...census, problems: ['a hook sorts', 'another'] } }, /--harmless-hooks/],
  [
    '1 file is new or has changed since it was last collected',
    { census: { ...census, companions: [testFile('tests/test_7.py')] }, contents: contents(1) },
    /No action needed\.$/,
  ],
  ['a fixture reads the list', { census: { ...census, inseparable: 'a fixture reads the list' } }, /make the files independent/],
])('collects the whole list and reports the reason and the fix: %s', (why, changes, advice) => {
  expect(decide(changes)).toMatchObject({ mode: 'suite', why, advice: advice === null ? null : expect.stringMatching(advice) });
  expect(decide({ ...changes, asked: 'file' })).toMatchObject({ mode: 'file', why: null, advice: null });
});
