// Annotations for GitHub Actions.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { annotations, withoutCommands } from '../../../coordinator/reporters/files/github.ts';
import { nodeId, testFile } from '../../../shared/domain/ids.ts';
import { sampleReport, sampleTest } from './sample-report.ts';

const inRepository = (file: string): string => `python/${file}`;

test('annotates the line of the test file in the traceback', () => {
  const message = [
    'def test_f():',
    '>   helper(1)',
    '',
    'tests/test_a.py:12: ',
    '_ _ _',
    'E   AssertionError: 100% wrong',
    '',
    'tests/helper.py:40: AssertionError',
  ].join('\n');
  const [line] = annotations(sampleReport([sampleTest('tests/test_a.py::test_f', 'failed', message)]), inRepository);
  expect(line).toMatch(
    /^::error file=python\/tests\/test_a\.py,line=12,title=failed%3A tests\/test_a\.py%3A%3Atest_f::def test_f\(\):%0A> {3}helper/,
  );
  expect(line).toContain('100%25 wrong%0A');
});

test('annotates the first line of the test if the traceback has no such line', () => {
  expect(annotations(sampleReport([sampleTest('t.py::test_f', 'error', 'crashed')]), inRepository)).toEqual([
    '::error file=python/t.py,line=3,title=error%3A t.py%3A%3Atest_f::crashed',
  ]);
});

test('emits ten annotations, collection errors and new failures first, and a notice of the rest', () => {
  const tests = Array.from({ length: 14 }, (_, index) => sampleTest(`t.py::test_${index}`, 'failed', 'no'));
  const comparison = {
    baseline: 'old',
    newFailures: [nodeId('t.py::test_13')],
    fixed: [],
    stillFailing: [],
    newlySlow: [],
    added: [],
    vanished: [],
  };
  const collectErrors = [{ file: testFile('broken.py'), nodeid: nodeId('broken.py'), message: 'ImportError' }];
  const lines = annotations(sampleReport(tests, { comparison, collectErrors }), (file) => file);
  expect(lines).toHaveLength(11);
  expect(lines[0]).toContain('title=could not collect broken.py::ImportError');
  expect(lines[1]).toContain('test_13');
  expect(lines[10]).toBe('::notice::shardline: the job summary and the report have 5 more failures.');
});

test('a failure is exactly one command for all test names and output, and printed commands do not run', () => {
  const nasty = fc.string({ unit: 'binary', maxLength: 60 });
  fc.assert(
    fc.property(nasty, nasty, (name, message) => {
      const lines = annotations(sampleReport([sampleTest(`t.py::test[${name}]`, 'failed', message)]), (file) => file);
      expect(lines).toHaveLength(1);
      const [, properties = '', data = ''] = /^::error (.*?)::(.*)$/s.exec(lines[0] ?? '') ?? [];
      expect(properties.split(',').map((each) => each.split('=', 1)[0])).toEqual(['file', 'line', 'title']);
      expect(data).not.toMatch(/[\r\n]/);
    }),
  );
  const shown = withoutCommands('::error::forged\n::add-mask::x\n', 'token');
  expect(shown).toBe('::stop-commands::token\n::error::forged\n::add-mask::x\n::token::\n');
});
