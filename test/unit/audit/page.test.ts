// The audit in Markdown and HTML: it reports only what was measured, and treats the names of tests as data.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Findings } from '../../../coordinator/audit/core/findings.ts';
import { commandBlocks } from '../../../coordinator/audit/page/ci-commands.ts';
import { auditMarkdown } from '../../../coordinator/audit/page/md.ts';
import { auditBlocks, summary } from '../../../coordinator/audit/page/page.ts';
import { auditHtml } from '../../../coordinator/web/audit-html.ts';
import { nodeId } from '../../../shared/domain/ids.ts';
import { sampleAudit, sampleMeasurement } from './sample-audit.ts';

const ids = Array.from({ length: 8 }, (_, index) => `tests/test_${index}.py::test`);
const pageOf = (changes: Partial<Findings> = {}, names: readonly string[] = ids): string =>
  auditMarkdown(auditBlocks(sampleAudit(names, changes)));

test('separates measured from predicted times, and each row of phases adds up to its wall time', () => {
  const page = pageOf();
  expect(page).toContain('| pytest, one process | 100.0 s | 1.0 | 50 % | 400 MB | 8 | 0 |');
  expect(page).toContain('| pytest -n 2 | 60.0 s | 1.7 |');
  expect(page).toContain('| shardline | 50.0 s | 2.0 | not reported |');
  expect(page).toContain('| shardline | 3.00 s | 5.00 s | 40.0 s | 1.00 s | 1.00 s | 50.0 s |');
  expect(page).toContain('each of 2 workers collected the same 8 files: 12.0 s each, 24.0 s of worker time; one process needed 10.0 s');
  expect(page).toContain('run it with shardline instead, on this machine | 10.0 s | measured |');
  // Eight files of 11 s on two workers, and 4 s of preparation and end.
  expect(page).toContain('| 1 | 2 | 48.0 s |');
  expect(page).toContain('For the measured run the same prediction gives 48.0 s; it took 50.0 s: off by 4 %.');
});

test('fills the commands with agents up to the knee, and with workers and limits that fit into memory', () => {
  const page = pageOf({ what: ['tests/', '--selected', "a b's.txt"], pytestArgs: ['-m', 'not slow'] });
  expect(page).toContain(
    "shardline run tests/ --selected 'a b'\\''s.txt' --junit-xml junit.xml --max-worker-memory 250MB -- -m 'not slow'",
  );
  expect(page).toContain('part: [coordinator, agent-1, agent-2, agent-3]');
  expect(page).toContain("--targets 'time<23s'");
  expect(pageOf({ machine: { cpus: 2, memoryBytes: 0.6e9 } })).toContain('too much: pass `-n 1`');
});

test('writes a job whose command YAML reads as it is typed, whatever the paths and arguments', () => {
  const audit = sampleAudit([], { sharded: null, sequential: null, parallel: null });
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary-ascii' })), fc.array(fc.string()), (what, pytestArgs) => {
      const blocks = commandBlocks({ ...audit, what, pytestArgs });
      const [typed = '', job = ''] = blocks.flatMap((block) => (block.kind === 'code' ? block.text : []));
      expect(parse(job)).toContainEqual({ run: typed });
    }),
  );
});

test('gives no rating without a sharded run, and no prediction without durations', () => {
  const page = pageOf({ sharded: null, problems: ['shardline could not be measured: no Redis'] });
  expect(page).not.toContain('## How efficient the run was');
  expect(page).toContain('shardline could not be measured: no Redis');
  expect(page).toContain('the time that pytest -n took to start and end');
  expect(page).not.toContain('For the measured run');
  const nothing = pageOf({ sharded: null, sequential: null, parallel: null });
  expect(nothing).not.toContain('predicted');
  const partial = pageOf({ sequential: sampleMeasurement({ 'a.py::t': 1 }, { isPartial: true }) });
  expect(partial).toContain('| pytest, one process | 100.0 s, cut off | unknown |');
  expect(partial).not.toContain('## Predicted');
});

test('suggests a mark for a confirmed suspect, once for all its parameters, and none for a flaky test', () => {
  const [shared = '', flaky = ''] = ['tests/test_0.py::TestX::test[<1>|`a`]', 'tests/test_1.py::test'];
  const outcomes = (failing: readonly string[]) =>
    new Map([shared, flaky].map((id) => [nodeId(id), failing.includes(id) ? ('failed' as const) : ('passed' as const)]));
  const executions = [
    { how: 'one after another' as const, outcomes: outcomes([]) },
    { how: 'pytest -n' as const, outcomes: outcomes([shared, flaky]) },
    { how: 'by itself' as const, outcomes: outcomes([]) },
    { how: 'pytest -n, again' as const, outcomes: outcomes([shared]) },
  ];
  const page = pageOf({ executions }, [shared, flaky]);
  expect(page.match(/@pytest.mark.serial/g)).toHaveLength(1);
  expect(page).toContain('# tests/test_0.py:7\n@pytest.mark.serial\ndef test(…');
  expect(summary(sampleAudit([shared, flaky], { executions }))).toContain(
    'isolation: 1 test that fails only in parallel, 1 that differs otherwise',
  );
});

test('escapes the names of tests, files and packages in Markdown and HTML', async () => {
  const hostile = '<script>alert(1)</script>|`"\u001b[31m\u202e](x)';
  const changes: Partial<Findings> = {
    what: [hostile],
    imports: [{ name: hostile, selfSeconds: 9, totalSeconds: 9, modules: 1, importer: hostile }],
    sequential: sampleMeasurement(
      { [`${hostile}.py::test`]: 50 },
      { fixtures: [{ name: hostile, scope: 'function', file: hostile, seconds: 9, count: 3 }], notCollected: [hostile] },
    ),
    problems: [hostile],
  };
  const blocks = auditBlocks(sampleAudit([`${hostile}.py::test`], changes));
  const html = await auditHtml(hostile, blocks);
  expect(html).toContain('<title>&lt;script>alert(1)&lt;/script>');
  // Its own script and the data, which no text in it can end.
  expect(html.match(/<\/script/g)).toHaveLength(2);
  expect(html.match(/<script/g)).toHaveLength(2);
  expect(html).toContain('\\u003cscript>alert(1)\\u003c/script>');
  const page = auditMarkdown(blocks);
  for (const text of [html, page]) expect(text).not.toMatch(/[\u001b\u202e]/);
  expect(page.replace(/(`+)[^`][\s\S]*?[^`]\1(?!`)/g, '')).not.toMatch(/(?<!\\)<script/);
  for (const row of page.split('\n').filter((line) => line.startsWith('|'))) expect(row.match(/(?<!\\)\|/g)?.length).toBeLessThanOrEqual(8);
});
