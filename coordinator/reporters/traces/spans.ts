// The spans of a run: run → attempts of shards → collections and tests. A pure function of the run's state and report; send-spans.ts gives
// its result to OpenTelemetry.
// Names are those of the OpenTelemetry semantic conventions where these have one, and else begin with `shardline.`.

import type { AttemptEnding } from '../../../shared/domain/attempt.ts';
import { type AttemptId, type NodeId, pytestId, type TestFile } from '../../../shared/domain/ids.ts';
import { isFailure, type Outcome, type Verdict } from '../../../shared/domain/outcome.ts';
import type { Report } from '../../../shared/domain/report.ts';
import { sumUp } from '../../../shared/text/brief.ts';
import { plural, shortLine, shortName } from '../../../shared/text/safe-text.ts';
import type { AcceptedResult, AttemptRecord } from '../../core/state/records.ts';
import { finalResult, isFlaky } from '../../core/state/results.ts';
import { type RunState, testsInOrder } from '../../core/state/run-state.ts';
import { chooseSpans, type Timed } from './span-budget.ts';

export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** Instants are milliseconds since the epoch. */
export interface Span {
  readonly name: string;
  /** Position of the parent in the list, which is before this one; null for the run. */
  readonly parent: number | null;
  readonly from: number;
  readonly to: number;
  readonly attributes: Attributes;
  /** What failed, on one line; null if nothing did. */
  readonly error: string | null;
}

/** At most this many spans describe a run. A larger run shows its failed and slowest tests. */
export const MOST_SPANS = 10_000;

/** The run, its preparation, and the discovery of its files. */
const OWN_SPANS = 3;

/** Characters of one attribute or error. */
const TEXT_CHARS = 1000;

/** Returns the spans in an order in which parents come before their children. The first one is the run. */
export function spansOf(state: RunState, report: Report, most = MOST_SPANS): readonly Span[] {
  const tests = [...resultsOf(state), ...missingResults(state, report)];
  const failures = new Map<AttemptId, number>();
  for (const { attempt, failed } of tests) if (attempt !== null && failed) failures.set(attempt, (failures.get(attempt) ?? 0) + 1);
  const attempts = attemptsOf(state, failures);
  const collections = collectionsOf(state);
  const chosen = chooseSpans(attempts, collections, tests, most - OWN_SPANS);
  const count = (sources: typeof chosen): number => sources.attempts.length + sources.collections.length + sources.tests.length;

  const leftOut = count({ attempts, collections, tests }) - count(chosen);
  const spans: Draft[] = [runSpan(report, leftOut), ...preparationSpans(state, report)];
  const placeOf = new Map<AttemptId, number>();
  for (const { record, from, to, error } of chosen.attempts) {
    placeOf.set(record.id, spans.length);
    spans.push({ name: `shard ${record.shard}`, parent: 0, from, to, attributes: attemptAttributes(state, record, failures), error });
  }
  const parentOf = (attempt: AttemptId | null): number => (attempt === null ? 0 : (placeOf.get(attempt) ?? 0));
  for (const { file, attempt, from, to } of chosen.collections) {
    const attributes = { 'test.suite.name': text(file), 'code.file.path': text(file) };
    spans.push({ name: shortName(`collect ${file}`), parent: parentOf(attempt), from, to, attributes, error: null });
  }
  for (const result of chosen.tests) spans.push(testSpan(result, parentOf(result.attempt)));
  return withChildrenInside(spans);
}

type Draft = { -readonly [Key in keyof Span]: Span[Key] };

/** Clocks of machines differ by milliseconds, and viewers draw a child outside of its parent as a fault. */
function withChildrenInside(spans: readonly Draft[]): readonly Span[] {
  for (const { parent, from, to } of [...spans].reverse()) {
    const outer = parent === null ? undefined : spans[parent];
    if (outer === undefined) continue;
    outer.from = Math.min(outer.from, from);
    outer.to = Math.max(outer.to, to);
  }
  return spans;
}

const text = (given: string): string => shortLine(given, TEXT_CHARS);

/** The attributes without those that are unknown. */
const known = (given: Readonly<Record<string, Attributes[string] | null | undefined>>): Attributes =>
  Object.fromEntries(Object.entries(given).flatMap(([name, value]) => (value === null || value === undefined ? [] : [[name, value]])));

const RUN_RESULT: Readonly<Record<Verdict, string>> = {
  passed: 'success',
  failed: 'failure',
  deadline: 'timeout',
  incomplete: 'error',
  interrupted: 'cancellation',
  'no-tests': 'skip',
  'internal-error': 'error',
};

function runSpan({ runId, verdict, exitCode, totals, origin, deadline, part, agents, ...report }: Report, leftOut: number): Draft {
  return {
    name: 'shardline run',
    parent: null,
    from: Date.parse(report.startedAt),
    to: Date.parse(report.finishedAt),
    attributes: known({
      'cicd.pipeline.run.id': text(runId),
      'cicd.pipeline.name': origin && text(origin.project),
      'cicd.pipeline.result': RUN_RESULT[verdict],
      'cicd.pipeline.run.url.full': origin?.job && text(origin.job),
      'vcs.ref.head.name': origin?.branch && text(origin.branch),
      'error.type': exitCode === 0 ? null : verdict === 'passed' ? 'internal-error' : verdict,
      'shardline.verdict': verdict,
      'shardline.exit_code': exitCode,
      'shardline.tests.expected': totals.expected,
      'shardline.tests.passed': totals.passed,
      'shardline.tests.failed': totals.failed,
      'shardline.tests.error': totals.error,
      'shardline.tests.skipped': totals.skipped,
      'shardline.tests.xfailed': totals.xfailed,
      'shardline.tests.xpassed': totals.xpassed,
      'shardline.tests.flaky': totals.flaky,
      'shardline.tests.not_run': totals.notRun,
      'shardline.collect_errors': report.collectErrors.length,
      'shardline.agents': agents.length,
      'shardline.deadline_seconds': deadline?.seconds,
      'shardline.part.index': part?.index,
      'shardline.part.total': part?.total,
      'shardline.spans.left_out': leftOut,
    }),
    error: exitCode === 0 ? null : `${verdict} (exit code ${exitCode})`,
  };
}

/** What a run does before its first shard: it starts Redis and agents and lists the test files, and with `--collect suite` all tests. */
function preparationSpans({ opened, firstEnqueuedAt }: RunState, report: Report): readonly Draft[] {
  const from = Date.parse(report.startedAt);
  const { discoverySeconds } = report.profile;
  const preparation = firstEnqueuedAt === null ? [] : [{ to: firstEnqueuedAt, attributes: { 'shardline.collect': opened.spec.collect } }];
  const discovery = discoverySeconds <= 0 ? [] : [{ to: from + discoverySeconds * 1000, attributes: {} }];
  return [
    ...preparation.map((span) => ({ name: 'preparation', parent: 0, from, error: null, ...span })),
    ...discovery.map((span) => ({ name: 'discovery', parent: preparation.length, from, error: null, ...span })),
  ];
}

interface Attempt extends Timed {
  readonly record: AttemptRecord;
  readonly error: string | null;
}

/** Attempts that began, in the order in which they were enqueued. A lost one lasts until the coordinator noticed. */
function attemptsOf(state: RunState, failures: ReadonlyMap<AttemptId, number>): readonly Attempt[] {
  return [...state.attempts.values()].flatMap((record) => {
    const { startedAt: from, seconds, endedAt, lastEventAt, id } = record;
    if (from === null) return [];
    const to = seconds === null ? Math.max(from, endedAt ?? 0, lastEventAt ?? 0) : from + seconds * 1000;
    const failed = failures.get(id) ?? 0;
    const error = faultOf(endingOf(record)) ?? (failed === 0 ? null : `${plural(failed, 'test')} failed`);
    return [{ record, from, to, failed: error !== null, error }];
  });
}

const endingOf = ({ state }: AttemptRecord): AttemptEnding | null => (state.kind === 'ended' ? state.ending : null);

function faultOf(ending: AttemptEnding | null): string | null {
  if (ending?.kind === 'lost') return 'its agent was lost';
  return ending?.kind === 'crashed' || ending?.kind === 'not-started' ? text(ending.detail) : null;
}

function attemptAttributes(state: RunState, record: AttemptRecord, failures: ReadonlyMap<AttemptId, number>): Attributes {
  const ending = endingOf(record);
  const agent = record.state.kind === 'enqueued' ? null : record.state.agent;
  const hasFailed = failures.has(record.id);
  return known({
    'cicd.pipeline.task.name': record.shard,
    'cicd.pipeline.task.run.id': record.id,
    'cicd.pipeline.task.run.result': attemptResult(ending, hasFailed),
    'cicd.pipeline.task.type': 'test',
    'host.name': agent && (state.agents.get(agent)?.info?.host || null),
    'error.type': faultOf(ending) === null ? (hasFailed ? 'failed' : null) : ending?.kind,
    'shardline.agent.id': agent,
    'shardline.attempt.number': record.fence,
    'shardline.attempt.role': record.role,
    'shardline.attempt.ending': ending?.kind,
    'shardline.attempt.interrupted_by': ending?.kind === 'interrupted' ? ending.by : null,
  });
}

function attemptResult(ending: AttemptEnding | null, hasFailed: boolean): string {
  if (ending === null) return 'cancellation';
  if (ending.kind === 'finished') return hasFailed ? 'failure' : 'success';
  if (ending.kind !== 'interrupted') return 'error';
  return ending.by === 'deadline' ? 'timeout' : 'cancellation';
}

interface Collection extends Timed {
  readonly file: TestFile;
  readonly attempt: AttemptId;
}

/** The first collection of each file by a worker. With `--collect suite`, no time of a single file is known. */
function collectionsOf(state: RunState): readonly Collection[] {
  return [...state.shards.values()].flatMap(({ files }) =>
    [...files.values()].flatMap(({ file, collectedBy, collectSeconds }) =>
      collectedBy === null || !collectSeconds
        ? []
        : [{ file, attempt: collectedBy.attempt, from: collectedBy.at - collectSeconds * 1000, to: collectedBy.at, failed: false }],
    ),
  );
}

/** One execution of a test that counts. */
interface Result extends Timed {
  readonly nodeid: NodeId;
  readonly attempt: AttemptId | null;
  readonly outcome: Outcome;
  /** The traceback, and pytest's line about it; null without one. */
  readonly message: string | null;
  readonly brief: string | null;
  readonly attributes: () => Attributes;
}

function resultsOf(state: RunState): readonly Result[] {
  return testsInOrder(state).flatMap((test) => {
    const isFlakyTest = isFlaky(test);
    const last = finalResult(test);
    return [...(test.accepted === null ? [] : [test.accepted]), ...test.reruns].map((accepted) =>
      resultOf(state, accepted, isFlakyTest && accepted === last),
    );
  });
}

function resultOf(state: RunState, { attempt, agent, result }: AcceptedResult, isFlakyTest: boolean): Result {
  const { nodeid, file, line, outcome, startedAt: from, seconds, worker, isCrash, message, brief } = result;
  return {
    nodeid: pytestId(nodeid),
    attempt,
    outcome,
    from,
    to: from + seconds * 1000,
    failed: isFailure(outcome),
    message,
    brief,
    attributes: () =>
      known({
        'test.suite.name': text(file),
        'code.file.path': text(file),
        'code.line.number': line,
        'host.name': state.agents.get(agent)?.info?.host || null,
        'error.type': isFailure(outcome) ? errorType(outcome, isCrash, brief) : null,
        'shardline.agent.id': agent,
        'shardline.worker': worker === '' ? null : worker,
        'shardline.test.flaky': isFlakyTest || null,
      }),
  };
}

/** Failures of the report that no attempt reported: tests that pytest collected and that never ran to an end. */
function missingResults(state: RunState, { tests, finishedAt }: Report): readonly Result[] {
  const at = Date.parse(finishedAt);
  const failed = tests.filter(({ outcome, seconds }) => outcome === 'error' && seconds === 0);
  if (failed.length === 0) return [];
  const ran = new Set([...state.tests.values()].flatMap(({ nodeid, accepted }) => (accepted === null ? [] : [pytestId(nodeid)])));
  return failed
    .filter(({ nodeid }) => !ran.has(nodeid))
    .map(({ nodeid, file, outcome, attempts }) => ({
      nodeid,
      attempt: null,
      outcome,
      from: at,
      to: at,
      failed: true,
      message: attempts.at(-1)?.message ?? 'shardline received no result',
      brief: null,
      attributes: () => ({ 'test.suite.name': text(file), 'code.file.path': text(file), 'error.type': 'no-result' }),
    }));
}

/** The conventions have `pass` and `fail`, and allow other words where neither applies. */
const TEST_STATUS: Readonly<Record<Outcome, string>> = {
  passed: 'pass',
  failed: 'fail',
  error: 'fail',
  skipped: 'skip',
  xfailed: 'pass',
  xpassed: 'pass',
};

function testSpan({ nodeid, outcome, from, to, message, brief, attributes }: Result, parent: number): Draft {
  return {
    name: shortName(nodeid),
    parent,
    from,
    to,
    attributes: {
      'test.case.name': text(nodeid),
      'test.case.result.status': TEST_STATUS[outcome],
      'shardline.test.outcome': outcome,
      ...attributes(),
    },
    error: isFailure(outcome) ? text(message === null ? outcome : sumUp(message, brief)) : null,
  };
}

/** The class of the exception in pytest's line about a failure. */
function errorType(outcome: Outcome, isCrash: boolean, brief: string | null): string {
  if (isCrash) return 'crash';
  if (brief?.startsWith('assert ')) return 'AssertionError';
  return /^([A-Za-z_][\w.]{0,100})(?::|$)/.exec(brief ?? '')?.[1] ?? outcome;
}
