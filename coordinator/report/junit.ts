// `junit.xml`: one merged document in the form of pytest's own, with reruns marked as Maven Surefire does.

import { create } from 'xmlbuilder2';
import type { XMLBuilder } from 'xmlbuilder2/lib/interfaces.js';
import type { NotRun, Report, ReportedAttempt, ReportedTest } from '../../shared/report.ts';
import { xmlSafe } from './harmless.ts';
import { namesOf } from './junit-names.ts';

interface Case {
  readonly file: string;
  readonly write: (suite: XMLBuilder) => void;
  readonly seconds: number;
  readonly counted: 'passed' | 'failure' | 'error' | 'skipped';
}

export function junitXml(report: Report): string {
  const cases = [...report.tests.map(testCase), ...report.collectErrors.map(collectErrorCase), ...report.notRun.map(notRunCase)];
  const document = create({ version: '1.0', encoding: 'utf-8' });
  const suites = document.ele('testsuites', { name: 'shardline', ...counts(cases) });
  for (const [file, group] of Map.groupBy(cases, (each) => each.file)) {
    const suite = suites.ele('testsuite', { name: xmlSafe(file), ...counts(group), timestamp: report.startedAt });
    for (const each of group) each.write(suite);
  }
  return `${document.end({ prettyPrint: true })}\n`;
}

function counts(cases: readonly Case[]): Record<string, string> {
  const count = (counted: Case['counted']): string => String(cases.filter((each) => each.counted === counted).length);
  const seconds = cases.reduce((sum, each) => sum + each.seconds, 0);
  return {
    tests: String(cases.length),
    failures: count('failure'),
    errors: count('error'),
    skipped: count('skipped'),
    time: seconds.toFixed(3),
  };
}

const COUNTED = { passed: 'passed', xpassed: 'passed', failed: 'failure', error: 'error', skipped: 'skipped', xfailed: 'skipped' } as const;

function testCase(test: ReportedTest): Case {
  return {
    file: test.file,
    seconds: test.seconds,
    counted: COUNTED[test.outcome],
    write: (suite) => {
      const line = test.line === null ? {} : { line: String(test.line) };
      const element = suite.ele('testcase', { ...namesOf(test.nodeid), file: xmlSafe(test.file), ...line, time: test.seconds.toFixed(3) });
      const final = test.attempts.at(-1);
      if (final !== undefined) writeOutcome(element, test, final);
    },
  };
}

function writeOutcome(element: XMLBuilder, test: ReportedTest, final: ReportedAttempt): void {
  const message = final.message ?? '';
  const brief = { message: xmlSafe(firstLine(message)) };
  switch (test.outcome) {
    case 'failed':
      element.ele('failure', brief).txt(xmlSafe(message));
      break;
    case 'error':
      element.ele('error', brief).txt(xmlSafe(message));
      break;
    case 'skipped':
      element.ele('skipped', { type: 'pytest.skip', ...brief }).txt(xmlSafe(message));
      break;
    case 'xfailed':
      element.ele('skipped', { type: 'pytest.xfail', ...brief });
      break;
    case 'passed':
    case 'xpassed':
      break;
  }
  // Surefire: a test that passed in the end was flaky; one that did not was rerun in vain.
  const earlier = test.attempts.slice(0, -1).filter(({ outcome }) => outcome === 'failed' || outcome === 'error');
  const passed = COUNTED[test.outcome] === 'passed';
  for (const attempt of earlier) {
    const kind = attempt.outcome === 'failed' ? 'Failure' : 'Error';
    const rerun = element.ele(`${passed ? 'flaky' : 'rerun'}${kind}`, { message: xmlSafe(firstLine(attempt.message ?? '')) });
    rerun.ele('stackTrace').txt(xmlSafe(attempt.message ?? ''));
  }
  for (const [name, pattern] of [
    ['system-out', /stdout/i],
    ['system-err', /stderr|log/i],
  ] as const) {
    const sections = final.sections.filter(({ title }) => pattern.test(title));
    const text = sections.map((section) => `--- ${section.title} ---\n${section.text}`).join('\n');
    if (text !== '') element.ele(name).txt(xmlSafe(text));
  }
}

const collectErrorCase = ({ file, message }: Report['collectErrors'][number]): Case => ({
  file,
  seconds: 0,
  counted: 'error',
  write: (suite) =>
    void suite
      .ele('testcase', { classname: '', name: xmlSafe(file), file: xmlSafe(file), time: '0.000' })
      .ele('error', { message: 'collection failure' })
      .txt(xmlSafe(message)),
});

const notRunCase = (missing: NotRun): Case => ({
  file: missing.nodeid.split('::', 1)[0] ?? '',
  seconds: 0,
  counted: 'skipped',
  write: (suite) =>
    void suite
      .ele('testcase', { ...namesOf(missing.nodeid), file: xmlSafe(missing.nodeid.split('::', 1)[0] ?? ''), time: '0.000' })
      .ele('skipped', { type: 'shardline.not-run', message: missing.reason })
      .txt(`not run: ${missing.reason}; it was expected to take ${missing.predictedSeconds.toFixed(1)} s`),
});

const firstLine = (text: string): string => {
  const said = text.split('\n').findLast((line) => line.startsWith('E ')) ?? text.split('\n', 1)[0] ?? '';
  return said.replace(/^E\s+/, '').slice(0, 500);
};
