// Builds what a dashboard shows of one run from the events of its agents and the run's note, which has the verdict.

import { dirname } from 'node:path';
import { assertNever } from '../../shared/assert-never.ts';
import { isRunEventKind, type RunEvent, type TestResult } from '../../shared/domain/events.ts';
import type { RunSpec } from '../../shared/domain/run-spec.ts';
import { harmless } from '../../shared/text/safe-text.ts';
import { type EndedNote, FRESH_MS, type RunNote } from '../../shared/wire/run-note.ts';
import { createRunningTests, type RunningTests } from '../core/state/attempts/running-tests.ts';
import type { CoordinatorEvent } from '../core/state/events.ts';
import type { EventObserver } from '../run-observer.ts';
import { createLiveAgents, type LiveAgents } from './live-agents.ts';
import { createLiveErrors, type LiveErrors } from './live-errors.ts';
import type { LiveHead, LiveProgress, RunLine } from './live-messages.ts';
import { closedAt, endOr, type LiveSpan, testEndedAt } from './live-span.ts';
import { createLiveTests, type LiveTests } from './live-tests.ts';
import { type GrowingColumns, growColumns } from './page-columns.ts';
import type { Columns } from './page-data.ts';

export interface LiveRun extends EventObserver {
  readonly columns: Columns;
  /** Rises with every change. */
  version(): number;
  /** Marks the run as closed: its coordinator took it out of the pool, and no more events follow. */
  end(at: number): void;
  /** Takes the run's latest note, in this machine's time. */
  note(note: RunNote): void;
  /** `now` is in milliseconds since the epoch. */
  head(now: number): LiveHead;
  line(): RunLine;
}

/** What is kept of a run. */
interface Kept {
  readonly spec: RunSpec;
  readonly columns: GrowingColumns;
  readonly tests: LiveTests;
  readonly agents: LiveAgents;
  readonly errors: LiveErrors;
  readonly running: RunningTests;
  span: LiveSpan;
  note: RunNote | null;
}

export function createLiveRun(spec: RunSpec): LiveRun {
  const columns = growColumns(spec.openedAt);
  const kept: Kept = {
    spec,
    columns,
    tests: createLiveTests(columns),
    agents: createLiveAgents(),
    errors: createLiveErrors(columns),
    running: createRunningTests((byAgentAt) => byAgentAt),
    span: { kind: 'running', lastAt: spec.openedAt },
    note: null,
  };
  let version = 0;
  const end = (at: number): void => {
    version += 1;
    kept.span = closedAt(kept.span, at);
  };
  return {
    columns: columns.columns,
    version: () => version,
    observe(event) {
      version += 1;
      kept.running.observe(event);
      if (isOfAgent(event)) take(kept, event);
      if (event.kind === 'run-closed') end(event.at);
    },
    end,
    note(note) {
      version += 1;
      kept.note = note;
    },
    head: (now) => headOf(kept, now),
    line: () => ({
      runId: spec.runId,
      isOpen: kept.span.kind === 'running',
      verdict: endOf(kept)?.verdict ?? kept.span.kind,
      tests: kept.tests.finished(),
      failures: kept.tests.failures() + kept.errors.files(),
    }),
  };
}

/** The coordinator's decisions change nothing here, because a stream does not have them. */
const isOfAgent = (event: CoordinatorEvent): event is RunEvent => isRunEventKind(event.kind);

function take(kept: Kept, event: RunEvent): void {
  switch (event.kind) {
    case 'agent-joined':
      kept.agents.join(event);
      return;
    case 'agent-left':
      kept.agents.leave(event);
      return;
    case 'agent-unfit':
      kept.agents.refuse(event);
      return;
    case 'attempt-started':
      if (event.role === 'rerun') kept.tests.expectRerun(event.attempt);
      return;
    case 'attempt-reported':
      takeReport(kept, event);
      return;
    case 'session-ended':
      kept.errors.takeSession(event);
      return;
    case 'agent-draining':
    case 'attempt-ended':
    case 'coverage-kept':
    case 'suite-listed':
    case 'suite-inseparable':
    case 'suite-refused':
    case 'session-shown':
      return;
    default:
      assertNever(event);
  }
}

type AttemptReport = Extract<RunEvent, { kind: 'attempt-reported' }>;

function takeReport(kept: Kept, { agent, attempt, event }: AttemptReport): void {
  switch (event.kind) {
    case 'collected':
      kept.tests.announce(event.nodeids);
      return;
    case 'collect-failed':
      kept.errors.takeFile(event);
      return;
    case 'test-started':
      kept.columns.lane(agent, event.worker);
      return;
    case 'test-finished':
      takeResult(kept, agent, attempt, event.result);
      return;
    default:
      assertNever(event);
  }
}

function takeResult(kept: Kept, agent: AttemptReport['agent'], attempt: AttemptReport['attempt'], result: TestResult): void {
  if (kept.tests.take(agent, attempt, result) !== 'first') return;
  kept.agents.ranTest(agent, result.seconds);
  kept.span = testEndedAt(kept.span, result.startedAt + result.seconds * 1000);
}

/** How the run ended, which only its coordinator knows; null until the run has closed, even if an earlier coordinator has noted an end. */
const endOf = ({ span, note }: Pick<Kept, 'span' | 'note'>): EndedNote | null =>
  note?.state.kind === 'ended' && span.kind !== 'running' ? note.state : null;

function headOf({ spec, columns, tests, agents, errors, running, span, note }: Kept, now: number): LiveHead {
  const end = endOf({ span, note });
  const finishedAt = endOr(span, now) - spec.openedAt;
  return {
    runId: spec.runId,
    verdict: end?.verdict ?? span.kind,
    exitCode: end?.exitCode ?? null,
    startedAt: spec.openedAt,
    finishedAt,
    deadline: note === null || note.deadline === null ? null : { ...note.deadline, atMs: note.deadline.endsAt - spec.openedAt },
    totals: tests.totals(),
    profile: null,
    agents: agents.reported(finishedAt / 1000),
    targets: null,
    baseline: null,
    newFailures: null,
    notRun: [],
    partProblems: [],
    about: [],
    command: '',
    next: [],
    job: end?.job ?? null,
    recorded: end?.report == null ? [] : recordedIn(dirname(end.report.path), agents.reported(0)),
    progress: note === null ? null : progressOf(note, tests.filesDone(), spec.openedAt, now),
    report: end?.report == null ? null : `${end.report.path} on ${end.report.host}`,
    sessionErrors: errors.sessions(),
    properties: [],
    waits: [],
    unstable: [],
    usualMs: [],
    shown: null,
    running: span.kind === 'running' ? runningNow(running, columns, spec.openedAt) : [],
  };
}

const recordedIn = (folder: string, agents: LiveHead['agents']): LiveHead['recorded'] => agents.map(({ id }) => [id, folder, id]);

/** The note is seconds old; the results that this page shows are newer, but do not tell of files without tests. */
function progressOf({ at, state }: RunNote, seenDone: number, openedAt: number, now: number): LiveProgress | null {
  if (state.kind === 'ended') return null;
  const { filesDone, files, endsAt } = state;
  return {
    filesDone: Math.min(files, Math.max(filesDone, seenDone)),
    files,
    endsAt: endsAt === null || now - at > FRESH_MS ? null : endsAt - openedAt,
  };
}

const runningNow = (running: RunningTests, columns: GrowingColumns, openedAt: number): LiveHead['running'] =>
  running
    .lanes()
    .filter(({ endedAt }) => endedAt === null)
    .map(({ agent, worker, test }) => ({
      lane: columns.lane(agent, worker),
      nodeid: harmless(test.nodeid),
      startedAt: test.beganAt - openedAt,
    }));
