// What a GitHub job shows: annotations and the job's summary.

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NO_PLACES } from '../../../coordinator/report-places.ts';
import { annotations } from '../../../coordinator/reporters/files/github.ts';
import { githubReporters } from '../../../coordinator/reporters/files/github-reporter.ts';
import { withoutCommands } from '../../../coordinator/reporters/files/log-sections.ts';
import { summaryMarkdown } from '../../../coordinator/reporters/files/summary-md.ts';
import { finishAll } from '../../../coordinator/reporters/reporter.ts';
import { terminalReporter } from '../../../coordinator/reporters/summary/terminal-reporter.ts';
import { nodeId, testFile } from '../../../shared/domain/ids.ts';
import type { Edge } from '../../../shared/system/edge.ts';
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

describe('the reporter of a GitHub job', () => {
  let directory = '';
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'shardline-test-github-'));
    await mkdir(join(directory, 'python', 'tests'), { recursive: true });
    await writeFile(join(directory, 'python', 'tests', 'test_a.py'), '');
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const report = sampleReport([sampleTest('tests/test_a.py::test_f', 'failed', 'no')]);

  async function show(github: boolean, summary: string) {
    let text = '';
    const stdout = { write: (part: string) => (text += part) };
    const env = { GITHUB_WORKSPACE: directory, GITHUB_STEP_SUMMARY: summary };
    const edge = { stdout, machine: stdout, env, cwd: directory } as unknown as Edge;
    const reporters = [
      ...githubReporters({ github, workspace: join(directory, 'python') }, edge, NO_PLACES),
      terminalReporter({ verbosity: 'normal', github }, edge),
    ];
    const { paths, problems } = await finishAll(reporters, report, { paths: [join(directory, 'report.json')], problems: [] });
    return { lines: text.trimEnd().split('\n'), paths, problems };
  }

  test('prints annotations with paths in the repository before the report, and appends the summary of the job', async () => {
    const summary = join(directory, 'summary.md');
    await writeFile(summary, 'an earlier step\n');
    const { lines, paths, problems } = await show(true, summary);
    expect(lines[0]).toMatch(/^::error file=python\/tests\/test_a\.py,line=3,title=failed/);
    expect(lines[1]).toMatch(/^::stop-commands::/);
    expect(lines.at(-1)).toMatch(/^failed: /);
    expect(await readFile(summary, 'utf8')).toBe(`an earlier step\n${summaryMarkdown(report, NO_PLACES)}`);
    expect({ paths, problems }).toEqual({ paths: [join(directory, 'report.json')], problems: [] });
  });

  test('reports a summary that cannot be written and prints everything else', async () => {
    const { lines, problems } = await show(true, join(directory, 'missing', 'summary.md'));
    expect(problems).toMatchObject([{ code: 'output-not-writable', values: { path: join(directory, 'missing', 'summary.md') } }]);
    expect(lines.at(-1)).toMatch(/^failed: /);
  });

  test('shows GitHub nothing outside of a GitHub job', async () => {
    const summary = join(directory, 'other.md');
    const { lines } = await show(false, summary);
    expect(lines.filter((line) => line.startsWith('::'))).toEqual([]);
    expect(existsSync(summary)).toBe(false);
  });
});
