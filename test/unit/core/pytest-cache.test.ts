import { expect, test } from 'vitest';
import { namesCacheOption } from '../../../coordinator/core/learn/cache-options.ts';
import { cacheFiles } from '../../../coordinator/core/learn/cache-text.ts';
import { type CachedRun, compareCodePoints, nextCache } from '../../../coordinator/core/learn/pytest-cache.ts';
import type { Outcome } from '../../../shared/domain/outcome.ts';
import { type CacheValues, failureLimit, type StepwiseValue } from '../../../shared/domain/suite/pytest-cache.ts';

const values = (given: Partial<CacheValues> = {}): CacheValues => ({ lastfailed: [], nodeids: [], stepwise: null, ...given });

/** A run in which these tests have these outcomes, in this order; null is a test that did not run. */
function run(outcomes: Readonly<Record<string, Outcome | null>>, given: Partial<CachedRun> = {}): CachedRun {
  const files = Map.groupBy(Object.keys(outcomes), (nodeid) => nodeid.split('::', 1)[0] ?? '');
  return {
    files: [...files].map(([file, nodeids]) => ({ file, nodeids })),
    collectErrors: [],
    outcomeOf: (nodeid) => outcomes[nodeid] ?? null,
    stepwise: null,
    testCount: null,
    now: '2026-11-26T13:52:12.044000',
    ...given,
  };
}

const failed = (lastfailed: readonly string[], ran: CachedRun): readonly string[] => nextCache(values({ lastfailed }), ran).lastfailed;

test('adds tests that failed, removes tests that passed or skipped, and keeps tests that did not run', () => {
  const old = ['a.py::gone', 'a.py::fixed', 'a.py::skipped', 'a.py::late', 'a.py::still'];
  const outcomes = {
    'a.py::still': 'failed',
    'a.py::fixed': 'passed',
    'a.py::skipped': 'skipped',
    'a.py::late': null,
    'a.py::x': 'xfailed',
    'a.py::broken': 'error',
  } as const;
  expect(failed(old, run(outcomes))).toEqual(['a.py::gone', 'a.py::late', 'a.py::still', 'a.py::broken']);
});

test('lists a file that could not be collected before the tests that failed', () => {
  expect(failed([], run({ 'a.py::x': 'failed' }, { collectErrors: ['b.py'] }))).toEqual(['b.py', 'a.py::x']);
});

test('replaces a file that is collected again by its direct members, and a class likewise', () => {
  const outcomes = {
    'a.py::first': 'passed',
    'a.py::C::D::inner': 'failed',
    'a.py::C::outer': null,
    'a.py::last[b::c]': 'failed',
  } as const;
  expect(failed(['old.py', 'a.py'], run(outcomes))).toEqual(['old.py', 'a.py::C', 'a.py::last[b::c]', 'a.py::C::D::inner']);
  expect(failed(['a.py::C'], run(outcomes))).toEqual(['a.py::C::D', 'a.py::C::outer', 'a.py::C::D::inner', 'a.py::last[b::c]']);
});

test('replaces a directory whose conftest works again by its files, and drops a file that has no tests left', () => {
  const empty: CachedRun = { ...run({}), files: [{ file: 'sub/b.py', nodeids: [] }] };
  expect(failed(['sub/b.py'], empty)).toEqual([]);
  expect(failed(['sub'], run({ 'sub/a.py::x': null, 'other/a.py::x': 'passed' }))).toEqual(['sub/a.py']);
});

test('merges all node ids and sorts them by code point', () => {
  const ran = run({ 'b.py::x': 'passed', 'a.py::\u{1F600}': null, 'a.py::\uFF5E': 'passed' });
  expect(nextCache(values({ nodeids: ['c.py::x', 'b.py::x'] }), ran).nodeids).toEqual([
    'a.py::\uFF5E',
    'a.py::\u{1F600}',
    'b.py::x',
    'c.py::x',
  ]);
  expect(['b', 'ab', 'a', ''].sort(compareCodePoints)).toEqual(['', 'a', 'ab', 'b']);
});

const stepwise = { skip: false, reset: false };
const three = { 'a.py::1': 'passed', 'a.py::2': 'failed', 'a.py::3': 'failed' } as const;
const record = (last_failed: string | null, last_test_count: number | null = 3): StepwiseValue => ({
  last_failed,
  last_test_count,
  last_cache_date_str: '2026-11-26T13:52:12.044000',
});

test.each([
  ['stops at the first failure in list order', null, three, {}, 'a.py::2'],
  ['skips one failure with --sw-skip', 'a.py::2', three, { skip: true }, 'a.py::3'],
  ['forgets a skipped failure that was the only one', 'a.py::2', { 'a.py::2': 'failed', 'a.py::3': 'passed' }, { skip: true }, null],
  ['forgets a test that passes now', 'a.py::2', { 'a.py::2': 'passed', 'a.py::3': 'passed' }, {}, null],
  ['keeps a test that skips itself', 'a.py::2', { 'a.py::2': 'skipped' }, {}, 'a.py::2'],
  ['keeps a test that was not selected', 'b.py::1', { 'a.py::1': 'passed' }, {}, 'b.py::1'],
  ['forgets with --sw-reset', 'b.py::1', { 'a.py::1': 'passed' }, { reset: true }, null],
  ['begins again at a test that never ran', null, { 'a.py::1': null, 'a.py::2': 'failed' }, {}, 'a.py::1'],
] as const)('--sw %s', (_, last, outcomes, options, expected) => {
  const ran = run(outcomes, { stepwise: { ...stepwise, ...options }, testCount: 3 });
  expect(nextCache(values({ stepwise: record(last) }), ran).stepwise).toMatchObject({ last_failed: expected, last_test_count: 3 });
});

test('--sw starts over when the number of tests has changed', () => {
  const ran = run({ 'a.py::1': 'passed' }, { stepwise, testCount: 4 });
  expect(nextCache(values({ stepwise: record('b.py::1') }), ran).stepwise).toEqual(record(null, 4));
  expect(nextCache(values(), run(three)).stepwise).toBeUndefined();
});

test('writes what each version of pytest writes', () => {
  const old = values({ lastfailed: ['a.py::x'] });
  const next = { lastfailed: ['a.py::é"\n'], nodeids: ['a.py::\u{1F600}'], stepwise: record('a.py::é') };
  expect(Object.fromEntries(cacheFiles(old, next, '9.0.1').map(({ key, text }) => [key, text]))).toEqual({
    'cache/lastfailed': '{\n  "a.py::é\\"\\n": true\n}',
    'cache/nodeids': '[\n  "a.py::\u{1F600}"\n]',
    'cache/stepwise': '{\n  "last_failed": "a.py::é",\n  "last_test_count": 3,\n  "last_cache_date_str": "2026-11-26T13:52:12.044000"\n}',
  });
  expect(cacheFiles(old, next, '7.1.3').map(({ text }) => text)).toEqual([
    '{\n  "a.py::\\u00e9\\"\\n": true\n}',
    '[\n  "a.py::\\ud83d\\ude00"\n]',
    '"a.py::\\u00e9"',
  ]);
});

test('leaves lastfailed alone when nothing changed, and resets stepwise before pytest 8.4', () => {
  const same = { lastfailed: ['b', 'a'], nodeids: [], stepwise: undefined };
  expect(cacheFiles(values({ lastfailed: ['a', 'b'] }), same, '8.4.2')).toEqual([{ key: 'cache/nodeids', text: '[]' }]);
  expect(cacheFiles(values(), same, '8.3.5').map(({ key, text }) => [key, text])).toEqual([
    ['cache/lastfailed', '{\n  "b": true,\n  "a": true\n}'],
    ['cache/nodeids', '[]'],
    ['cache/stepwise', '[]'],
  ]);
  expect(cacheFiles(values({ lastfailed: ['a'] }), { ...same, lastfailed: [] }, '8.4.2')[0]).toEqual({
    key: 'cache/lastfailed',
    text: '{}',
  });
});

test.each([
  ['--lf', true],
  ['addopts = -q --ff', true],
  ['addopts = ["--nf"]', true],
  ['--sw-skip', true],
  ['--stepwise', true],
  ['--last-failed', true],
  ['--lfnf=none', false],
  ['--cache-clear', false],
  ['-k --swagger', false],
] as const)('finds an option that reads the cache in %s: %s', (text, expected) => {
  expect(namesCacheOption(text)).toBe(expected);
});

test.each([
  [0, null, 0],
  [3, null, 3],
  [0, stepwise, 1],
  [3, { ...stepwise, skip: true }, 2],
  [1, { ...stepwise, skip: true }, 1],
] as const)('a limit of %s failures with %j is %s', (maxfail, options, expected) => {
  expect(failureLimit(maxfail, options)).toBe(expected);
});
