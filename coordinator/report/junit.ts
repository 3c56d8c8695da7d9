// `junit.xml`: one merged document in the form of pytest's own, with reruns marked as Maven Surefire does.

import { create } from 'xmlbuilder2';
import type { XMLBuilder } from 'xmlbuilder2/lib/interfaces.js';
import type { Outcome } from '../../shared/outcome.ts';
import type { NotRun, Report, ReportedAttempt, ReportedTest } from '../../shared/report.ts';
import type { Property } from '../../shared/shown.ts';
import { xmlSafe } from './harmless.ts';
import { namesOf } from './junit-names.ts';

interface Case {
  readonly file: string;
  /** Where it ran; null for what did not. */
  readonly place: { readonly agent: string; readonly worker: string } | null;
  readonly startedAt: string | null;
  readonly write: (suite: XMLBuilder) => void;
  readonly seconds: number;
  readonly counted: 'passed' | 'failure' | 'error' | 'skipped';
}

/**
 * Valid against the schema of Jenkins' xUnit plugin (junit-10.xsd), with the elements of a test in the order that Surefire's schema wants. Neither
 * knows of properties of a test: what ran on one xdist worker makes a suite, which says where. Only what `record_property` recorded stands in the
 * test itself, as in pytest's own files: Jenkins' JUnit plugin and others read it there.
 */
export function junitXml(report: Report): string {
  const cases = [...report.tests.map(testCase), ...report.collectErrors.map(collectErrorCase), ...report.notRun.map(notRunCase)];
  const hosts = new Map<string, string>(report.agents.map(({ id, host }) => [id, host]));
  const document = create({ version: '1.0', encoding: 'utf-8' });
  // As pytest's own root: who wants totals adds up the suites. Jenkins' schema has no place for skipped tests there, and totals without them mislead.
  const suites = document.ele('testsuites', { name: 'shardline' });
  for (const group of Map.groupBy(cases, suiteKey).values()) writeSuite(suites, group, report, hosts);
  return `${document.end({ prettyPrint: true })}\n`;
}

function writeProperties(element: XMLBuilder, given: readonly Property[]): void {
  const properties = element.ele('properties');
  for (const { name, value } of given) properties.ele('property', { name: xmlSafe(name), value: xmlSafe(value) });
}

const suiteKey = ({ file, place }: Case): string => JSON.stringify([file, place?.agent, place?.worker]);

function writeSuite(suites: XMLBuilder, group: readonly Case[], report: Report, hosts: ReadonlyMap<string, string>): void {
  const { file = '', place = null } = group[0] ?? {};
  const timestamp = group.reduce<string | null>(
    (first, { startedAt }) => (first === null || (startedAt ?? first) < first ? startedAt : first),
    null,
  );
  const hostname = place === null ? '' : (hosts.get(place.agent) ?? '');
  const suite = suites.ele('testsuite', {
    name: xmlSafe(file),
    ...counts(group),
    timestamp: timestamp ?? report.startedAt,
    ...(hostname === '' ? {} : { hostname: xmlSafe(hostname) }),
    file: xmlSafe(file),
  });
  if (place !== null) {
    writeProperties(suite, [
      { name: 'agent', value: place.agent },
      { name: 'worker', value: place.worker },
    ]);
  }
  for (const each of group) each.write(suite);
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
  const final = test.attempts.at(-1);
  return {
    file: test.file,
    place: final === undefined ? null : { agent: final.agent, worker: final.worker },
    startedAt: final?.startedAt ?? null,
    seconds: test.seconds,
    counted: COUNTED[test.outcome],
    write: (suite) => {
      const element = suite.ele('testcase', { ...namesOf(test.nodeid), time: test.seconds.toFixed(3) });
      if (test.properties !== undefined) writeProperties(element, test.properties);
      if (final !== undefined) writeOutcome(element, test, final);
    },
  };
}

/** Children in the order of Surefire's schema: failures, skipped, errors, output. */
function writeOutcome(element: XMLBuilder, test: ReportedTest, final: ReportedAttempt): void {
  // Surefire: a test that passed in the end was flaky; one that did not was rerun in vain.
  const kind = COUNTED[test.outcome] === 'passed' ? 'flaky' : 'rerun';
  const earlier = test.attempts.slice(0, -1);
  const reruns = (outcome: Outcome, name: string): void => {
    for (const attempt of earlier.filter((each) => each.outcome === outcome)) {
      const rerun = element.ele(name, aboutFailure(attempt));
      rerun.ele('stackTrace').txt(xmlSafe(attempt.message ?? ''));
      writeOutput(rerun, attempt);
    }
  };
  if (test.outcome === 'failed') element.ele('failure', aboutFailure(final)).txt(xmlSafe(final.message ?? ''));
  reruns('failed', `${kind}Failure`);
  if (test.outcome === 'skipped') element.ele('skipped', { ...aboutFailure(final), type: 'pytest.skip' }).txt(xmlSafe(final.message ?? ''));
  if (test.outcome === 'xfailed') element.ele('skipped', { ...aboutFailure(final), type: 'pytest.xfail' });
  if (test.outcome === 'error') element.ele('error', aboutFailure(final)).txt(xmlSafe(final.message ?? ''));
  reruns('error', `${kind}Error`);
  writeOutput(element, final);
}

/** `type` is the exception's name where the traceback says it. */
function aboutFailure({ message, outcome }: ReportedAttempt): { message: string; type: string } {
  const said = firstLine(message ?? '');
  return { message: xmlSafe(said), type: /^([A-Za-z_][\w.]*)(?=:)|^([A-Za-z_][\w.]*(?:Error|Exception))$/.exec(said)?.[0] ?? outcome };
}

function writeOutput(element: XMLBuilder, { sections }: ReportedAttempt): void {
  for (const [name, pattern] of [
    ['system-out', /stdout/i],
    ['system-err', /stderr|log/i],
  ] as const) {
    const matching = sections.filter(({ title }) => pattern.test(title));
    const text = matching.map((section) => `--- ${section.title} ---\n${section.text}`).join('\n');
    if (text !== '') element.ele(name).txt(xmlSafe(text));
  }
}

const collectErrorCase = ({ file, message }: Report['collectErrors'][number]): Case => ({
  file,
  place: null,
  startedAt: null,
  seconds: 0,
  counted: 'error',
  write: (suite) =>
    void suite
      .ele('testcase', { classname: '', name: xmlSafe(file), time: '0.000' })
      .ele('error', { message: 'collection failure', type: 'shardline.collect-error' })
      .txt(xmlSafe(message)),
});

const notRunCase = (missing: NotRun): Case => ({
  file: missing.nodeid.split('::', 1)[0] ?? '',
  place: null,
  startedAt: null,
  seconds: 0,
  counted: 'skipped',
  write: (suite) =>
    void suite
      .ele('testcase', { ...namesOf(missing.nodeid), time: '0.000' })
      .ele('skipped', { type: 'shardline.not-run', message: missing.reason })
      .txt(`not run: ${missing.reason}; it was expected to take ${missing.predictedSeconds.toFixed(1)} s`),
});

const firstLine = (text: string): string => {
  const said = text.split('\n').findLast((line) => line.startsWith('E ')) ?? text.split('\n', 1)[0] ?? '';
  return said.replace(/^E\s+/, '').slice(0, 500);
};
