// Builds the live state of one run for viewers from its agents' events. It does not know the verdict, which the coordinator decides.

import { assertNever } from '../../shared/assert-never.ts';
import type { AgentInfo, AttemptEvent, RunEvent, TestResult } from '../../shared/domain/events.ts';
import type { AgentId, AttemptId, NodeId, TestFile } from '../../shared/domain/ids.ts';
import { isFailure, type Outcome } from '../../shared/domain/outcome.ts';
import type { ReportedAgent } from '../../shared/domain/report.ts';
import type { RunSpec } from '../../shared/domain/run-spec.ts';
import { harmless } from '../../shared/text/safe-text.ts';
import { unfitEnd } from '../core/result/agent-end.ts';
import { createRunningTests } from '../core/result/running-tests.ts';
import { countsAs } from '../core/state/results.ts';
import { fitTexts, newTextBudget } from '../core/state/text-budget.ts';
import type { LiveHead, RunLine } from './live-messages.ts';
import { growColumns } from './page-columns.ts';
import { type Columns, sessionName } from './page-data.ts';

export interface LiveRun {
  readonly columns: Columns;
  /** Rises with every change. */
  version(): number;
  observe(event: RunEvent): void;
  /** Marks the run as closed. No more events follow. */
  end(at: number): void;
  /** `now` is in milliseconds since the epoch. */
  head(now: number): LiveHead;
  line(): RunLine;
}

/** The current result of a test. */
interface LiveTest {
  /** Its index in the columns. */
  readonly place: number;
  readonly accepted: { readonly result: { readonly outcome: Outcome } };
  readonly reruns: { readonly attempt: AttemptId; readonly result: { readonly outcome: Outcome } }[];
}

interface LiveAgent {
  info: AgentInfo;
  tests: number;
  busySeconds: number;
  peakRssBytes: number;
  cpuSeconds: number | null;
  ended: ReportedAgent['ended'];
  why: string | null;
}

export function createLiveRun(spec: RunSpec): LiveRun {
  const growing = growColumns(spec.openedAt);
  const announced = new Set<NodeId>();
  const finished = new Map<NodeId, LiveTest>();
  const rerunAttempts = new Set<AttemptId>();
  const failedFiles = new Set<TestFile>();
  const running = createRunningTests((byAgentAt) => byAgentAt);
  const agents = new Map<AgentId, LiveAgent>();
  const counts: Record<Outcome, number> = { passed: 0, failed: 0, error: 0, skipped: 0, xfailed: 0, xpassed: 0 };
  const texts = newTextBudget();
  let duplicates = 0;
  let flaky = 0;
  let sessionErrors = 0;
  let version = 0;
  let endedAt: number | null = null;
  let lastAt = spec.openedAt;

  const take = (agent: AgentId, attempt: AttemptId, result: TestResult): void => {
    announced.add(result.nodeid);
    growing.lane(agent, result.worker);
    const known = finished.get(result.nodeid);
    const as = countsAs(known ?? { accepted: null, reruns: [] }, attempt, rerunAttempts.has(attempt));
    if (as === null) duplicates += 1;
    if (as === 'rerun' && known !== undefined) takeRerun(known, attempt, result);
    if (as === 'first') takeFirst(agent, result);
  };

  const takeRerun = (test: LiveTest, attempt: AttemptId, result: TestResult): void => {
    counts[(test.reruns.at(-1) ?? test.accepted).result.outcome] -= 1;
    counts[result.outcome] += 1;
    if (!isFailure(result.outcome)) flaky += 1;
    test.reruns.push({ attempt, result: { outcome: result.outcome } });
    growing.addRerun(test.place, result.outcome, result.seconds);
  };

  const takeFirst = (agent: AgentId, result: TestResult): void => {
    counts[result.outcome] += 1;
    const { nodeid, file, line, outcome, seconds, worker, brief } = result;
    const { message, sections } = fitTexts(texts, result);
    lastAt = Math.max(lastAt, result.startedAt + seconds * 1000);
    const startedAt = new Date(result.startedAt).toISOString();
    const place = growing.add({
      nodeid,
      file,
      line,
      outcome,
      seconds,
      flaky: false,
      attempts: [{ agent, worker, startedAt, seconds, outcome, message, brief, sections }],
    });
    finished.set(nodeid, { place, accepted: { result: { outcome } }, reruns: [] });
    const known = agents.get(agent);
    if (known === undefined) return;
    known.tests += 1;
    known.busySeconds += seconds;
  };

  const hear = (agent: AgentId, attempt: AttemptId, event: AttemptEvent): void => {
    switch (event.kind) {
      case 'collected':
        for (const nodeid of event.nodeids) announced.add(nodeid);
        return;
      case 'collect-failed':
        if (!failedFiles.has(event.file))
          for (const { nodeid, message } of event.errors) growing.addCollectError(event.file, nodeid, message);
        failedFiles.add(event.file);
        return;
      case 'test-started':
        growing.lane(agent, event.worker);
        return;
      case 'test-finished':
        take(agent, attempt, event.result);
        return;
      default:
        assertNever(event);
    }
  };

  const observe = (event: RunEvent): void => {
    version += 1;
    running.observe(event);
    switch (event.kind) {
      case 'agent-joined':
        agents.set(event.agent.id, {
          tests: 0,
          busySeconds: 0,
          peakRssBytes: 0,
          cpuSeconds: null,
          ended: null,
          why: null,
          ...agents.get(event.agent.id),
          info: event.agent,
        });
        return;
      case 'agent-left': {
        const known = agents.get(event.agent);
        if (known !== undefined) Object.assign(known, { peakRssBytes: event.peakRssBytes, cpuSeconds: event.cpuSeconds });
        if (known !== undefined) known.ended = 'left';
        return;
      }
      case 'agent-unfit':
        agents.set(event.agent, unfit(event));
        return;
      case 'attempt-told':
        hear(event.agent, event.attempt, event.event);
        return;
      case 'attempt-started':
        if (event.role === 'rerun') rerunAttempts.add(event.attempt);
        return;
      case 'attempt-ended':
      case 'coverage-kept':
      case 'suite-listed':
      case 'suite-inseparable':
      case 'suite-refused':
      case 'session-shown':
        return;
      case 'session-ended':
        if (event.problem === null) return;
        sessionErrors += 1;
        growing.addCollectError(sessionName(event.agent), sessionName(event.agent), event.problem);
        return;
      default:
        assertNever(event);
    }
  };

  const runningNow = (): LiveHead['running'] =>
    running
      .lanes()
      .filter(({ endedAt }) => endedAt === null)
      .map(({ agent, worker, test }) => ({
        lane: growing.lane(agent, worker),
        nodeid: harmless(test.nodeid),
        startedAt: test.beganAt - spec.openedAt,
      }));

  const agentLine = (
    { info, tests, busySeconds, peakRssBytes, cpuSeconds, ended, why }: LiveAgent,
    elapsedSeconds: number,
  ): ReportedAgent => {
    const idleSeconds = Math.max(0, elapsedSeconds * info.workers - busySeconds);
    const { id, host, workers } = info;
    const about = { id, host: harmless(host), workers, fingerprint: null, differences: [] };
    return { ...about, tests, busySeconds, idleSeconds, peakRssBytes, cpuSeconds, ended, why };
  };

  return {
    columns: growing.columns,
    version: () => version,
    observe,
    end(at) {
      version += 1;
      endedAt = Math.max(at, lastAt);
    },
    head(now) {
      const finishedAt = (endedAt ?? Math.max(now, lastAt)) - spec.openedAt;
      return {
        runId: spec.runId,
        verdict: endedAt === null ? 'running' : 'ended',
        exitCode: null,
        startedAt: spec.openedAt,
        finishedAt,
        deadline: null,
        totals: {
          expected: announced.size,
          ...counts,
          flaky,
          notRun: announced.size - finished.size,
          notRunIsLeast: false,
          duplicatesDropped: duplicates,
        },
        profile: null,
        agents: [...agents.values()].map((agent) => agentLine(agent, finishedAt / 1000)),
        targets: null,
        baseline: null,
        newFailures: null,
        notRun: [],
        sessionErrors,
        properties: [],
        shown: null,
        running: endedAt === null ? runningNow() : [],
      };
    },
    line: () => ({
      runId: spec.runId,
      isOpen: endedAt === null,
      tests: finished.size,
      failures: counts.failed + counts.error + failedFiles.size,
    }),
  };
}

function unfit({ agent: id, host, why: cause, problem, fingerprint }: Extract<RunEvent, { kind: 'agent-unfit' }>): LiveAgent {
  const info = { id, host, pid: 0, workers: 0, python: '', pytest: '', xdist: '', hashSeed: null, isLocal: false, fingerprint };
  const { ended, why } = unfitEnd(cause, problem);
  return { info, tests: 0, busySeconds: 0, peakRssBytes: 0, cpuSeconds: null, ended, why: why === null ? null : harmless(why) };
}

/** How much of the columns a receiver already has. */
export type Seen = ReturnType<typeof lengthsOf>;

export const lengthsOf = ({ files, lanes, texts, tests, attempts, collectErrors }: Columns) => ({
  files: files.length,
  lanes: lanes.length,
  texts: texts.length,
  collectErrors: collectErrors.length,
  tests: { name: tests.name.length, flaky: tests.flaky.length, attempts: tests.attempts.length, reruns: tests.reruns.length },
  attempts: { lane: attempts.lane.length, text: attempts.text.length, sections: attempts.sections.length },
});

/** Returns the rows that the columns have beyond `seen`. */
export function columnsSince({ files, lanes, texts, tests, attempts, collectErrors }: Columns, seen: Seen): Columns {
  return {
    files: files.slice(seen.files),
    lanes: lanes.slice(seen.lanes),
    texts: texts.slice(seen.texts),
    collectErrors: collectErrors.slice(seen.collectErrors),
    tests: {
      name: tests.name.slice(seen.tests.name),
      file: tests.file.slice(seen.tests.name),
      line: tests.line.slice(seen.tests.name),
      outcome: tests.outcome.slice(seen.tests.name),
      ms: tests.ms.slice(seen.tests.name),
      flaky: tests.flaky.slice(seen.tests.flaky),
      attempts: tests.attempts.slice(seen.tests.attempts),
      reruns: tests.reruns.slice(seen.tests.reruns),
    },
    attempts: {
      lane: attempts.lane.slice(seen.attempts.lane),
      startedAt: attempts.startedAt.slice(seen.attempts.lane),
      ms: attempts.ms.slice(seen.attempts.lane),
      outcome: attempts.outcome.slice(seen.attempts.lane),
      text: attempts.text.slice(seen.attempts.text),
      sections: attempts.sections.slice(seen.attempts.sections),
    },
  };
}
