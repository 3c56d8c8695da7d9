// Every form of the report shows the same results, whatever tests print.

import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readReport } from '../../../coordinator/record/report-file.ts';
import { NO_PLACES } from '../../../coordinator/report-places.ts';
import { foldFullDisks } from '../../../coordinator/reporters/files/full-disks.ts';
import { junitXml } from '../../../coordinator/reporters/files/junit.ts';
import { copyFiles, prepareOut, resultFiles, resultPage } from '../../../coordinator/reporters/files/report-files.ts';
import { summaryMarkdown } from '../../../coordinator/reporters/files/summary-md.ts';
import { finishAll } from '../../../coordinator/reporters/reporter.ts';
import { nodeId, testFile } from '../../../shared/domain/ids.ts';
import { ShardlineError } from '../../../shared/errors.ts';
import { decodeReport, encodeReport } from '../../../shared/wire/report/report.ts';
import { renderReport, sampleReport, sampleTest } from './sample-report.ts';

const plain = { color: false, width: 80, paths: ['/out/report.json'], verbosity: 'normal' } as const;
const nasty = fc.string({ unit: 'binary', maxLength: 60 });

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shardline-test-report-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('report.json', () => {
  test('reads back the report that was written', () => {
    const report = sampleReport([sampleTest('tests/test_a.py::test_ü[a::b c]', 'failed', 'boom', 'out')]);
    expect(decodeReport([...encodeReport(report)].join(''), 'here')).toEqual(report);
  });

  test('refuses a newer schema, a broken file and a path outside the rootdir', () => {
    const report = sampleReport([]);
    expect(() => decodeReport(JSON.stringify({ ...report, schema: 2 }), 'x')).toThrow(expect.objectContaining({ code: 'newer-version' }));
    expect(() => decodeReport('{', 'x')).toThrow(expect.objectContaining({ code: 'bad-message' }));
    const outside = sampleReport([sampleTest('../etc/passwd::x', 'passed')]);
    expect(() => decodeReport([...encodeReport(outside)].join(''), 'x')).toThrow(expect.objectContaining({ code: 'bad-message' }));
  });

  test('is written in pieces, as the same text that JSON.stringify makes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(nasty, fc.boolean()), { maxLength: 20 }), (tests) => {
        const report = sampleReport(
          tests.map(([name, isFailed]) => sampleTest(`t.py::${name}`, isFailed ? 'failed' : 'passed', name, name)),
        );
        expect([...encodeReport(report)].join('')).toBe(`${JSON.stringify(report, null, 2)}\n`);
      }),
    );
    const long = sampleReport(Array.from({ length: 10 }, (_, at) => sampleTest(`t.py::test_${at}`, 'failed', 'x'.repeat(50_000))));
    expect([...encodeReport(long)].length).toBeGreaterThan(3);
  });

  test('is refused with its size when it is too large to read', async () => {
    const path = join(directory, 'large.json');
    await writeFile(path, [...encodeReport(sampleReport([]))].join(''));
    expect((await readReport(path)).tests).toEqual([]);
    await expect(readReport(path, 100)).rejects.toMatchObject({
      code: 'not-a-result',
      values: { problem: expect.stringContaining('it has 1 MiB') },
    });
  });
});

describe('junit.xml', () => {
  const parse = (xml: string) =>
    new XMLParser({
      ignoreAttributes: false,
      attributeNamePrefix: '',
      isArray: (name, _path, _isLeaf, isAttribute) => !isAttribute && name !== 'testsuites',
    }).parse(xml);

  test('has the counts, names and elements of pytest', () => {
    const report = sampleReport(
      [
        sampleTest('tests/test_a.py::TestX::test_y[1.5]', 'failed', 'def test():\nE   assert 1 == 2', 'printed'),
        sampleTest('tests/test_a.py::test_p', 'passed'),
        sampleTest('tests/b.py::test_s', 'skipped', 'why not'),
      ],
      {
        notRun: [{ nodeid: nodeId('tests/c.py'), kind: 'file', tests: null, reason: 'no-agent', predictedSeconds: 1 }],
        collectErrors: [{ file: testFile('tests/d.py'), nodeid: nodeId('tests/d.py'), message: 'ImportError' }],
      },
    );
    const xml = junitXml(report);
    expect(XMLValidator.validate(xml)).toBe(true);
    const { testsuites } = parse(xml);
    expect(testsuites.testsuite.map((suite: { name: string; tests: string }) => [suite.name, suite.tests])).toEqual([
      ['tests/test_a.py', '2'],
      ['tests/b.py', '1'],
      ['tests/d.py', '1'],
      ['tests/c.py', '1'],
    ]);
    const [failed] = testsuites.testsuite[0].testcase;
    expect(failed).toMatchObject({ classname: 'tests.test_a.TestX', name: 'test_y[1.5]' });
    expect(failed.failure[0].message).toBe('assert 1 == 2');
    expect(failed['system-out'][0]).toContain('printed');
    expect(xml).toContain('<skipped type="shardline.not-run" message="no-agent">');
  });

  test('marks a test that failed and then passed as flaky, as Surefire does', () => {
    const once = sampleTest('tests/test_a.py::test_f', 'failed', 'first time');
    const twice = sampleTest('tests/test_a.py::test_f', 'passed');
    const xml = junitXml(sampleReport([{ ...twice, flaky: true, attempts: [...once.attempts, ...twice.attempts] }]));
    expect(xml).toContain('<flakyFailure message="first time" type="failed">');
    expect(xml).not.toContain('<failure');
  });

  test('is valid for all test names and output', () => {
    fc.assert(
      fc.property(nasty, nasty, nasty, (name, message, output) => {
        const report = sampleReport([sampleTest(`tests/test_a.py::test[${name}]`, 'failed', message, output)]);
        const xml = junitXml(report);
        expect(XMLValidator.validate(xml)).toBe(true);
        expect(xml.replace(/[\t\n\r\u0020-\ud7ff\ue000-\ufffd]|[\ud800-\udbff][\udc00-\udfff]/g, '')).toBe('');
      }),
    );
  });

  test('holds ten thousand tests', () => {
    const tests = Array.from({ length: 10_000 }, (_, index) => sampleTest(`tests/test_${index % 100}.py::test_${index}`, 'passed'));
    expect(junitXml(sampleReport(tests)).match(/<testcase /g)).toHaveLength(10_000);
  });
});

describe('the terminal', () => {
  test('shows failures with tracebacks first and the verdict last', () => {
    const report = sampleReport([
      sampleTest('t.py::test_p', 'passed'),
      sampleTest('t.py::test_f', 'failed', 'def f():\nE   assert 0', 'hello'),
    ]);
    const lines = renderReport(report, plain).trimEnd().split('\n');
    expect(lines[0]).toMatch(/^_+ t\.py::test_f \(a1 gw0\) _+$/);
    expect(lines).toContain('E   assert 0');
    expect(lines).toContain('hello');
    expect(lines).toContain('FAILED t.py::test_f - assert 0');
    expect(lines.at(-1)).toBe('failed: 1 failed, 1 passed in 12.3 s; exit 1');
  });

  test('quiet shows only the short summary and the verdict', () => {
    const report = sampleReport([sampleTest('t.py::test_f', 'failed', 'E   assert 0')]);
    expect(
      renderReport(report, { ...plain, verbosity: 'quiet' })
        .trimEnd()
        .split('\n'),
    ).toHaveLength(2);
  });

  describe('tests that did not run', () => {
    const missing = (count: number, idOf: (index: number) => string) =>
      Array.from({ length: count }, (_, index) => ({
        nodeid: nodeId(idOf(index)),
        kind: 'test' as const,
        tests: 1,
        reason: 'no-agent' as const,
        predictedSeconds: 1,
      }));

    test('are named', () => {
      const text = renderReport(sampleReport([], { notRun: missing(20, (index) => `t.py::test_${index}`) }), plain);
      expect(text.match(/^NOT RUN t\.py::test_\d+ - no agent was available$/gm)).toHaveLength(20);
    });

    test('are counted by file if they are many', () => {
      const notRun = [...missing(25, (index) => `t.py::test_${index}`), ...missing(1, () => 'u.py::test_0')];
      const text = renderReport(sampleReport([], { notRun }), plain);
      expect(text.match(/^NOT RUN .*/gm)).toEqual([
        'NOT RUN t.py (25 tests) - no agent was available',
        'NOT RUN u.py::test_0 - no agent was available',
      ]);
    });

    test('are cut after 20 files, with the number of the rest', () => {
      const text = renderReport(sampleReport([], { notRun: missing(50, (index) => `t_${index % 25}.py::test_${index}`) }), plain);
      expect(text.match(/^NOT RUN /gm)).toHaveLength(21);
      expect(text).toContain('NOT RUN 10 more - no agent was available');
    });
  });

  test('with colours, failures are red, headings bold and the verdict coloured', () => {
    const report = sampleReport([sampleTest('t.py::test_f', 'failed', 'def f():\nE   assert 0', 'hello')]);
    const colored = { ...plain, color: true, verbosity: 'verbose' } as const;
    const text = renderReport(report, colored);
    for (const part of ['\u001b[31mE   assert 0\u001b[39m', '\u001b[31mFAILED\u001b[39m t.py::test_f', '\u001b[1mslow\u001b[22m  '])
      expect(text).toContain(part);
    expect(text.trimEnd().split('\n').at(-1)).toMatch(/^\u001b\[1m\u001b\[31mfailed: /);
    expect(stripVTControlCharacters(text)).toBe(renderReport(report, { ...colored, color: false }));
  });

  test('output of a test never moves the cursor or adds a line to the summary', () => {
    fc.assert(
      fc.property(nasty, nasty, nasty, (name, message, output) => {
        const id = `t.py::test[${name}]`;
        const text = renderReport(sampleReport([sampleTest(id, 'error', message, output)]), plain);
        expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
        expect(text.trimEnd().split('\n').at(-1)).toMatch(/^failed: 1 error in /);
      }),
    );
  });
});

describe('summary.md', () => {
  test('backticks in a traceback do not end its code block', () => {
    const markdown = summaryMarkdown(
      sampleReport([sampleTest('t.py::test_f', 'failed', 'a\n```\n<script>alert(1)</script>\n````')]),
      NO_PLACES,
    );
    expect(markdown).toContain('\n`````text\n');
    expect(markdown).toContain('| 1 | 0 | 1 |');
  });
});

describe('the files of a run', () => {
  test('are written to their folder and as copies, and git ignores them in a project', async () => {
    const dir = join(directory, '.shardline', 'runs', 'r1');
    await prepareOut(dir);
    const json = join(directory, 'copies', 'r.json');
    const reporters = [
      resultFiles(dir, NO_PLACES),
      ...copyFiles({ json, junitXml: null, html: null, trace: null }, NO_PLACES),
      resultPage(dir, false),
    ];
    const { paths, problems } = await finishAll(reporters, sampleReport([]));
    expect(problems).toEqual([]);
    expect(paths).toEqual([join(dir, 'report.json'), join(dir, 'junit.xml'), join(dir, 'summary.md'), json, join(dir, 'report.html')]);
    for (const path of paths) expect((await stat(path)).size).toBeGreaterThan(0);
    expect(await readFile(join(directory, '.shardline', '.gitignore'), 'utf8')).toBe('*\n');
  });

  test('refuses a folder that cannot be created before anything runs', async () => {
    await writeFile(join(directory, 'file'), '');
    const places = [join(directory, 'file', 'out'), ...(existsSync('/proc') ? ['/proc', '/proc/foo', '/proc/foo/bar'] : [])];
    for (const place of places) await expect(prepareOut(place)).rejects.toMatchObject({ code: 'output-not-writable', exitCode: 4 });
  });

  test('are still written when one of them fails, and a full disk is one problem', async () => {
    const at = (name: string): string => join(directory, 'copies', name);
    const places = {
      json: join(directory, 'file', 'r.json'),
      junitXml: at('j.xml'),
      html: at('p.html'),
      trace: join(directory, 'file', 't'),
    };
    const { paths, problems } = await finishAll(copyFiles(places, NO_PLACES), sampleReport([]));
    expect(paths).toEqual([places.junitXml, places.html]);
    expect(problems).toMatchObject([{ code: 'output-not-writable' }, { code: 'output-not-writable' }]);
    const full = (name: string): ShardlineError =>
      new ShardlineError(
        'output-not-writable',
        { path: at(name), problem: 'ENOSPC' },
        { cause: Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' }) },
      );
    expect(foldFullDisks([...problems, full('report.json'), full('junit.xml'), full('junit.xml')])).toMatchObject([
      ...problems.map(({ code }) => ({ code })),
      { code: 'disk-refuses', exitCode: 4, message: expect.stringMatching(/: ENOSPC: no space left\n.*: report\.json, junit\.xml\./) },
    ]);
  });
});
