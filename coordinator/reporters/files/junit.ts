// Writes `junit.xml`: one merged document in pytest's own format, with reruns marked as Maven Surefire does.

import type { Outcome } from '../../../shared/domain/outcome.ts';
import type { NotRun, Report, ReportedAttempt, ReportedCollectError, ReportedTest, SessionError } from '../../../shared/domain/report.ts';
import type { Property } from '../../../shared/domain/shown.ts';
import { briefOf } from '../../../shared/text/brief.ts';
import { plural } from '../../../shared/text/safe-text.ts';
import { notRunName } from '../../core/result/ending-text.ts';
import { namesOf } from '../../core/result/junit-id.ts';
import { splitErrors } from '../../core/result/late-errors.ts';
import { type Attributes, type Element, element, xmlDocument } from './xml.ts';

/** Maximum length of the `message` attribute, which holds the first line of a failure. */
const MESSAGE_CHARS = 500;

interface Case {
  readonly file: string;
  /** Where the test ran; null if it did not run. */
  readonly place: { readonly agent: string; readonly worker: string } | null;
  readonly startedAt: string | null;
  readonly testcase: () => Element;
  readonly seconds: number;
  readonly counted: 'passed' | 'failure' | 'error' | 'skipped';
}

/**
 * Returns a document that is valid against the schema of Jenkins' xUnit plugin (junit-10.xsd). A test's elements follow the order in
 * Surefire's schema. Neither schema allows properties on a test, so the tests of one xdist worker form a suite and the suite's properties
 * name the worker. Only `record_property` values are on the test itself, as in pytest's own files: Jenkins' JUnit plugin and other tools
 * read them there.
 */
export function junitXml(report: Report): string {
  const { collecting, late } = splitErrors(report);
  const cases = [
    ...withoutSecondSkips(report.tests).map(testCase),
    ...collecting.map((error) => errorCase(error, { message: 'collection failure', type: 'shardline.collect-error' })),
    ...late.map((error) => errorCase(error, { message: 'failed on teardown', type: 'shardline.teardown-error' })),
    ...report.sessionErrors.map(sessionErrorCase),
    ...report.notRun.map(notRunCase),
  ];
  const hosts = new Map<string, string>(report.agents.map(({ id, host }) => [id, host]));
  const suites = [...Map.groupBy(cases, suiteKey).values()].map((group) => testsuite(group, report, hosts));
  // The root has no totals, like pytest's own root: consumers sum the suites. Jenkins' schema has no attribute for skipped tests on the
  // root, and totals without them mislead.
  return xmlDocument(element('testsuites', { name: 'shardline' }, suites));
}

/** With --doctest-modules, two collectors skip a module. That gives two skipped tests, but one case in pytest's own file. */
function withoutSecondSkips(tests: readonly ReportedTest[]): readonly ReportedTest[] {
  const modules = new Map(tests.filter(({ nodeid }) => !nodeid.includes('::')).map((test) => [test.nodeid, test]));
  return tests.filter((test) => (modules.get(test.nodeid) ?? test) === test);
}

const suiteKey = ({ file, place }: Case): string => JSON.stringify([file, place?.agent, place?.worker]);

function testsuite(group: readonly Case[], report: Report, hosts: ReadonlyMap<string, string>): Element {
  const { file = '', place = null } = group[0] ?? {};
  const timestamp = group.reduce<string | null>(
    (first, { startedAt }) => (first === null || (startedAt ?? first) < first ? startedAt : first),
    null,
  );
  const hostname = place === null ? '' : (hosts.get(place.agent) ?? '');
  const about = {
    name: file,
    ...counts(group),
    timestamp: timestamp ?? report.startedAt,
    ...(hostname === '' ? {} : { hostname }),
    file,
  };
  const own =
    place === null
      ? []
      : [
          { name: 'agent', value: place.agent },
          { name: 'worker', value: place.worker },
        ];
  return element('testsuite', about, [...properties(own), ...group.map(({ testcase }) => testcase())]);
}

const properties = (given: readonly Property[]): readonly Element[] =>
  given.length === 0
    ? []
    : [
        element(
          'properties',
          {},
          given.map(({ name, value }) => element('property', { name, value })),
        ),
      ];

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
    testcase: () => {
      const outcome = final === undefined ? [] : outcomeElements(test, final);
      return element('testcase', timed(test.nodeid, test.seconds), [...properties(test.properties ?? []), ...outcome]);
    },
  };
}

const timed = (id: string, seconds: number): Attributes => ({ ...namesOf(id), time: seconds.toFixed(3) });

/** Returns the children in the order of Surefire's schema: failures, skipped, errors, output. */
function outcomeElements(test: ReportedTest, final: ReportedAttempt): readonly Element[] {
  const { outcome } = test;
  // In Surefire's terms, a test that finally passed is "flaky"; one that still failed is a "rerun".
  const kind = COUNTED[outcome] === 'passed' ? 'flaky' : 'rerun';
  const earlier = test.attempts.slice(0, -1);
  const reruns = (each: Outcome, name: string): readonly Element[] =>
    earlier
      .filter((attempt) => attempt.outcome === each)
      .map((attempt) => element(name, aboutFailure(attempt), [element('stackTrace', {}, attempt.message ?? ''), ...output(attempt)]));
  const own = (name: string, attributes: Attributes): Element => element(name, attributes, final.message ?? '');
  return [
    ...(outcome === 'failed' ? [own('failure', aboutFailure(final))] : []),
    ...reruns('failed', `${kind}Failure`),
    ...(outcome === 'skipped' ? [own('skipped', { ...aboutFailure(final), type: 'pytest.skip' })] : []),
    ...(outcome === 'xfailed' ? [element('skipped', { ...aboutFailure(final), type: 'pytest.xfail' })] : []),
    ...(outcome === 'error' ? [own('error', aboutFailure(final))] : []),
    ...reruns('error', `${kind}Error`),
    ...output(final),
  ];
}

/** `type` is the exception's name if the traceback names it. */
function aboutFailure({ message, brief, outcome }: ReportedAttempt): Attributes {
  const said = (brief ?? briefOf(message ?? '')).slice(0, MESSAGE_CHARS);
  return { message: said, type: /^([A-Za-z_][\w.]*)(?=:)|^([A-Za-z_][\w.]*(?:Error|Exception))$/.exec(said)?.[0] ?? outcome };
}

function output({ sections }: ReportedAttempt): readonly Element[] {
  const kinds = [
    ['system-out', /stdout/i],
    ['system-err', /stderr|log/i],
  ] as const;
  return kinds.flatMap(([name, pattern]) => {
    const matching = sections.filter(({ title }) => pattern.test(title));
    return matching.length === 0 ? [] : [element(name, {}, matching.map(({ title, text }) => `--- ${title} ---\n${text}`).join('\n'))];
  });
}

const errorCase = ({ file, nodeid, message }: ReportedCollectError, about: Attributes): Case => ({
  file,
  place: null,
  startedAt: null,
  seconds: 0,
  counted: 'error',
  testcase: () => element('testcase', timed(nodeid, 0), [element('error', about, message)]),
});

/** Has no class, like a collection error, so that consumers do not match it to a test of this run or an earlier one. */
const sessionErrorCase = ({ agent, message }: SessionError): Case => ({
  file: 'pytest session',
  place: null,
  startedAt: null,
  seconds: 0,
  counted: 'error',
  testcase: () => {
    const about = { message: 'pytest failed at the end of its session', type: 'shardline.session-error' };
    return element('testcase', { classname: '', name: `pytest session of ${agent}`, time: '0.000' }, [element('error', about, message)]);
  },
});

const notRunCase = (missing: NotRun): Case => ({
  file: missing.nodeid.split('::', 1)[0] ?? '',
  place: null,
  startedAt: null,
  seconds: 0,
  counted: 'skipped',
  testcase: () => {
    const tests = missing.tests === null ? 'at least 1 test' : plural(missing.tests, 'test');
    const held = missing.kind === 'test' && missing.tests === 1 ? '' : `, ${tests}`;
    const why = `not run: ${missing.reason}${held}; predicted to take ${missing.predictedSeconds.toFixed(1)} s`;
    return element('testcase', timed(notRunName(missing.nodeid), 0), [
      element('skipped', { type: 'shardline.not-run', message: missing.reason }, why),
    ]);
  },
});
