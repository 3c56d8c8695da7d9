// junit.xml as other tools read it: validated by libxml2, and parsed by two independent consumers.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { parse } from 'junit2json';
import { parseV2 } from 'test-results-parser';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import { junitXml } from '../../../coordinator/reporters/files/junit.ts';
import { agentId, nodeId, testFile } from '../../../shared/domain/ids.ts';
import type { Report, ReportedTest } from '../../../shared/domain/report.ts';
import { sampleReport, sampleTest } from './sample-report.ts';

let directory = '';
let schema = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shardline-test-junit-'));
  schema = await readFile(fileURLToPath(new URL('../../fixtures/junit.xsd', import.meta.url)), 'utf8');
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const validate = async (xml: string): Promise<readonly string[]> => {
  const { errors } = await validateXML({
    xml: { fileName: 'junit.xml', contents: xml },
    schema: { fileName: 'junit.xsd', contents: schema },
  });
  return errors.map(({ message }) => message);
};

const rerun = (...tests: readonly ReportedTest[]): ReportedTest => {
  const last = tests.at(-1) ?? sampleTest('', 'passed');
  return { ...last, flaky: last.outcome === 'passed', attempts: tests.flatMap(({ attempts }) => attempts) };
};
const onOther = (given: ReportedTest): ReportedTest => ({
  ...given,
  attempts: given.attempts.map((attempt) => ({ ...attempt, agent: agentId('a2'), worker: 'gw1' })),
});

const f = 'tests/test_a.py::test_f';
/** A report with every kind of entry. */
const everything: Report = sampleReport(
  [
    sampleTest(
      'tests/test_a.py::TestX::test_y[1.5]',
      'failed',
      'def test():\nE   AssertionError: assert 1 == 2',
      '<printed> & \u001b[31mred\u0000',
    ),
    sampleTest('tests/test_a.py::test_p', 'passed'),
    onOther(sampleTest('tests/test_a.py::test_q', 'passed')),
    sampleTest('tests/test_a.py::test_e', 'error', 'E   ValueError'),
    sampleTest('tests/test_a.py::test_s', 'skipped', 'why not'),
    sampleTest('tests/test_a.py::test_x', 'xfailed', 'known'),
    sampleTest('tests/test_a.py::test_xp', 'xpassed'),
    rerun(sampleTest(f, 'failed', 'E   OSError: once', 'out'), sampleTest(f, 'error', 'teardown'), sampleTest(f, 'passed')),
    rerun(sampleTest(`${f}2`, 'failed', 'one'), sampleTest(`${f}2`, 'error', 'two'), sampleTest(`${f}2`, 'failed', 'three')),
  ],
  {
    notRun: [
      { nodeid: testFile('tests/c.py'), kind: 'file', tests: null, reason: 'no-agent', predictedSeconds: 1 },
      { nodeid: nodeId('tests/d.py::test_z'), kind: 'test', tests: 1, reason: 'deadline', predictedSeconds: 1 },
    ],
    collectErrors: [{ file: testFile('tests/e.py'), nodeid: nodeId('tests/e.py'), message: 'ImportError' }],
  },
);

describe('junit.xml', () => {
  test('is valid for Jenkins, with the elements of a test case in the order of Surefire', async () => {
    expect(await validate(junitXml(everything))).toEqual([]);
    expect(await validate(junitXml(sampleReport([])))).toEqual([]);
    expect(await validate(junitXml(everything).replace('<flakyFailure', '<flaky').replace('</flakyFailure', '</flaky'))).not.toEqual([]);
  });

  test('is valid for all test names and output', async () => {
    const nasty = fc.string({ unit: 'binary', maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(nasty, nasty, nasty, nasty, async (name, message, output, worker) => {
        const given = sampleTest(`tests/test_a.py::test[${name}]`, 'failed', message, output);
        const twice = rerun({ ...given, attempts: given.attempts.map((attempt) => ({ ...attempt, worker })) }, given);
        expect(await validate(junitXml(sampleReport([twice])))).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  test('groups the tests of a file by xdist worker, and names agent and worker', async () => {
    const suites = (await parse(junitXml(everything))) as NonNullable<Awaited<ReturnType<typeof parse>>> & { testsuite?: unknown };
    expect(suites.testsuite).toMatchObject([
      {
        name: 'tests/test_a.py',
        hostname: 'h',
        tests: 8,
        failures: 2,
        errors: 1,
        skipped: 2,
        properties: [
          { name: 'agent', value: 'a1' },
          { name: 'worker', value: 'gw0' },
        ],
      },
      { name: 'tests/test_a.py', tests: 1, properties: [{ value: 'a2' }, { value: 'gw1' }], testcase: [{ name: 'test_q' }] },
      { name: 'tests/e.py', errors: 1 },
      { name: 'tests/c.py', skipped: 1 },
      { name: 'tests/d.py', skipped: 1 },
    ]);
  });

  test('gives every consumer the same totals', async () => {
    const xml = junitXml(everything);
    const path = join(directory, 'junit.xml');
    await writeFile(path, xml);
    const { result } = parseV2({ type: 'junit', files: [path] });
    // This consumer counts skipped tests separately, and a test that was not run as skipped.
    expect(result).toMatchObject({ total: 8, passed: 4, failed: 2, errors: 2, skipped: 4 });
    const suites = (await parse(xml)) as {
      testsuite: { testcase: Record<string, unknown>[] }[];
    };
    const cases = suites.testsuite.flatMap(({ testcase }) => testcase);
    const having = (kind: string): number => cases.filter((each) => kind in each).length;
    expect([cases.length, having('failure'), having('error'), having('skipped')]).toEqual([12, 2, 2, 4]);
  });

  test('marks reruns as Surefire does: flaky if the test passed in the end, rerun if it did not', () => {
    const xml = junitXml(everything);
    expect(xml).toContain('<flakyFailure message="OSError: once" type="OSError">');
    expect(xml).toContain('<flakyError message="teardown" type="error">');
    expect(xml).toMatch(/<failure message="three" type="failed">three<\/failure>\s*<rerunFailure message="one"/);
    expect(xml).toContain('<rerunError message="two" type="error">');
  });
});
