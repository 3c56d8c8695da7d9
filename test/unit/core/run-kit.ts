// Builds the values of a run for tests: openings, shards and the events of agents. Every time is in milliseconds after the run's start.

import type { Action } from '../../../coordinator/core/decide/actions.ts';
import { nextAttempt } from '../../../coordinator/core/decide/attempt-request.ts';
import { decide } from '../../../coordinator/core/decide/decide.ts';
import { halve } from '../../../coordinator/core/decide/isolate-crash.ts';
import { divideByNeeds } from '../../../coordinator/core/decide/needs/split-by-needs.ts';
import { NO_AFFINITY } from '../../../coordinator/core/plan/affinity.ts';
import { planSuite } from '../../../coordinator/core/plan/plan-suite.ts';
import { merge } from '../../../coordinator/core/result/merge.ts';
import { unplannedList } from '../../../coordinator/core/state/collection/suite.ts';
import type { CoordinatorEvent, RunOpened } from '../../../coordinator/core/state/events.ts';
import { reduce } from '../../../coordinator/core/state/reduce.ts';
import { openRun, type RunState } from '../../../coordinator/core/state/run-state.ts';
import type { AttemptEnding, AttemptRole } from '../../../shared/domain/attempt.ts';
import type { AgentInfo, AttemptEvent, RunEvent, TestResult } from '../../../shared/domain/events.ts';
import { type AgentId, agentId, attemptId, fileOf, nodeId, runId, shardId, testFile } from '../../../shared/domain/ids.ts';
import type { Outcome } from '../../../shared/domain/outcome.ts';
import type { Report } from '../../../shared/domain/report.ts';
import type { Selector, Shard } from '../../../shared/domain/shard.ts';
import type { CollectMode } from '../../../shared/domain/suite/suite-list.ts';

export const a1 = agentId('a1');
export const a2 = agentId('a2');

export const shardOf = (index: number, files: readonly string[], predictedSeconds = files.length): Shard => ({
  id: shardId(index),
  selectors: files.map((file) => ({ kind: 'file', file: testFile(file) })),
  predictedSeconds,
});

export const opened = (
  shards: readonly Shard[],
  changes: Partial<RunOpened> & { readonly maxfail?: number; readonly collect?: CollectMode } = {},
): RunOpened => {
  const { maxfail = 0, collect = 'file', ...rest } = changes;
  return {
    kind: 'run-opened',
    at: 1000,
    startedAt: 0,
    spec: {
      runId: runId('r1'),
      pool: 'default',
      collect,
      pytestArgs: [],
      cache: null,
      harmless: [],
      serialMarker: 'serial',
      stopsItself: true,
      testTimeoutSeconds: null,
      relay: 'auto',
      fingerprintPolicy: 'strict',
      files: null,
      maxWorkerBytes: 0,
      maxWorkerFiles: 0,
      maxfail,
      openedAt: 1000,
      priority: 0,
      drain: null,
    },
    shards,
    collectErrors: [],
    preparation: { setupSeconds: 0.4, discoverySeconds: 0.6 },
    attemptLimit: 3,
    crashLimit: 0,
    reruns: { times: 0, limit: { kind: 'percent', percent: 100 } },
    flakyFails: false,
    waitAgentSeconds: 60,
    deadline: null,
    affinity: NO_AFFINITY,
    digests: {},
    failedWhole: [],
    companions: [],
    loads: [],
    acceptsNoTests: false,
    junitXml: null,
    resources: {},
    onlyAgents: null,
    restarted: null,
    origin: null,
    speculate: false,
    order: null,
    failureChances: {},
    knownTests: {},
    coverage: null,
    cache: null,
    python: null,
    part: null,
    ...rest,
  };
};

export const joined = (agent: AgentId, at = 1000, workers = 2, changes: Partial<AgentInfo> = {}): RunEvent => ({
  kind: 'agent-joined',
  at,
  agent: {
    id: agent,
    host: 'host',
    pid: 1,
    workers,
    python: '3.12',
    pytest: '9.0',
    xdist: '3.8',
    hashSeed: null,
    isLocal: false,
    fingerprint: { files: null, python: null },
    ...changes,
  },
});

export const left = (agent: AgentId, at = 9000): CoordinatorEvent => ({
  kind: 'agent-left',
  at,
  agent,
  busySeconds: 3,
  idleSeconds: 1,
  peakRssBytes: 1024,
  cpuSeconds: 2.4,
});

export const draining = (agent: AgentId, at = 3500): CoordinatorEvent => ({ kind: 'agent-draining', at, agent });

export const enqueued = (
  shard: number,
  fence = 1,
  role: AttemptRole = fence === 1 ? 'primary' : 'retry',
  selectors: readonly Selector[] = [],
): CoordinatorEvent => ({
  kind: 'attempt-enqueued',
  at: 1000,
  attempt: attemptId(shardId(shard), fence),
  shard: shardId(shard),
  fence,
  role,
  selectors,
});

export const started = (agent: AgentId, shard: number, fence = 1, at = 2000): CoordinatorEvent => ({
  kind: 'attempt-started',
  at,
  agent,
  attempt: attemptId(shardId(shard), fence),
  shard: shardId(shard),
  fence,
  role: fence === 1 ? 'primary' : 'retry',
});

export const reported = (agent: AgentId, shard: number, fence: number, event: AttemptEvent): RunEvent => ({
  kind: 'attempt-reported',
  agent,
  attempt: attemptId(shardId(shard), fence),
  shard: shardId(shard),
  event,
});

export const ended = (agent: AgentId, shard: number, fence = 1, ending: AttemptEnding = { kind: 'finished' }): CoordinatorEvent => ({
  kind: 'attempt-ended',
  at: 4000,
  agent,
  attempt: attemptId(shardId(shard), fence),
  shard: shardId(shard),
  ending,
  seconds: 2,
});

export const collected = (
  file: string,
  nodeids: readonly string[],
  seconds = 0.5,
  {
    serial = [],
    mayBackUp = true,
    digest = null,
  }: { readonly serial?: readonly string[]; readonly mayBackUp?: boolean; readonly digest?: string | null } = {},
): AttemptEvent => ({
  kind: 'collected',
  serial: serial.map(nodeId),
  mayBackUp,
  digest,
  at: 2100,
  file: testFile(file),
  nodeids: nodeids.map(nodeId),
  seconds,
  worker: 'gw0',
});

export const collectFailed = (file: string, message = 'ImportError'): AttemptEvent => ({
  kind: 'collect-failed',
  at: 2100,
  file: testFile(file),
  errors: [{ nodeid: nodeId(file), message }],
});

export const finished = (id: string, outcome: Outcome = 'passed', changes: Partial<TestResult> = {}): AttemptEvent => ({
  kind: 'test-finished',
  at: 3000,
  result: {
    nodeid: nodeId(id),
    file: fileOf(nodeId(id)),
    line: 7,
    outcome,
    startedAt: 2500,
    seconds: 0.25,
    setupSeconds: 0,
    worker: 'gw0',
    isCrash: false,
    message: null,
    brief: null,
    sections: [],
    ...changes,
  },
});

export const crashed = (running: string | null = null): AttemptEnding => ({
  kind: 'crashed',
  exitCode: null,
  signal: 'SIGKILL',
  running: running === null ? null : nodeId(running),
  detail: 'pytest was killed by SIGKILL',
});

export const givenUp = (shard: number, at = 4500): CoordinatorEvent => ({
  kind: 'shard-given-up',
  at,
  shard: shardId(shard),
  why: 'crash-limit',
});
export const lost = (agent: AgentId, at = 5000): CoordinatorEvent => ({ kind: 'agent-lost', at, agent });
export const tick = (at: number): CoordinatorEvent => ({ kind: 'tick', at });
export const closedDone = (at = 6000): CoordinatorEvent => ({ kind: 'run-closed', at, why: { kind: 'done' } });

/** An agent that reports on attempts has joined before, unless the events say when. */
export function stateAfter(opening: RunOpened, ...events: readonly CoordinatorEvent[]): RunState {
  const state = openRun(opening);
  const joining = new Set(events.flatMap((event) => (event.kind === 'agent-joined' ? [event.agent.id] : [])));
  const reporting = new Set(events.flatMap((event) => (isReport(event) ? [event.agent] : [])));
  for (const agent of reporting.difference(joining)) reduce(state, joined(agent));
  for (const event of events) reduce(state, event);
  return state;
}

const isReport = (event: CoordinatorEvent) =>
  event.kind === 'attempt-started' || event.kind === 'attempt-reported' || event.kind === 'attempt-ended';

/** The event that the run loop records for an action. */
export function eventOf(state: RunState, action: Action, at: number): CoordinatorEvent {
  switch (action.kind) {
    case 'start-attempt': {
      const request = nextAttempt(state, action.shard, action.role);
      if (request === null) throw new Error(`unknown shard ${action.shard}`);
      const { id, shard, fence, role, selectors, needs, lane } = request;
      return { kind: 'attempt-enqueued', at, attempt: id, shard, fence, role, selectors, ...(needs && { needs }), ...(lane && { lane }) };
    }
    case 'plan-suite': {
      const list = unplannedList(state);
      if (list === null) throw new Error('no list to plan');
      const planning = { timings: new Map(), affinity: NO_AFFINITY, slots: 2, fixedSeconds: 0.005, thresholdSeconds: null, part: null };
      const first = state.suite.failureChances === null ? 1 : state.shards.size + 1;
      return { kind: 'suite-planned', at, shards: planSuite(list, planning, first), failureChances: {} };
    }
    case 'cancel-attempt':
      return { kind: 'attempt-cancelled', at, attempt: action.attempt, by: action.by };
    case 'dismiss-agent':
      return { kind: 'agent-dismissed', at, agent: action.agent, why: action.why };
    case 'ask-agent':
      return { kind: 'agent-asked', at, agent: action.agent };
    case 'close-run':
      return { kind: 'run-closed', at, why: action.why };
    case 'give-up-shard':
      return { kind: 'shard-given-up', at, shard: action.shard, why: action.why };
    case 'split-shard':
      return { kind: 'shard-split', at, shard: action.shard, into: halve(state, action.shard) };
    case 'divide-shard':
      return { kind: 'shard-split', at, shard: action.shard, into: divideByNeeds(state, action.shard), byNeeds: true };
    case 'await-needs':
      return { kind: 'shard-waits', at, shard: action.shard, lacks: action.lacks };
    case 'claim-units':
      return { kind: 'units-claimed', at, claims: action.claims };
    case 'lose-attempt':
      return { kind: 'attempt-lost', at, attempt: action.attempt, agent: null };
  }
}

/** Applies decisions until none is left; returns all of them. */
export function decideAll(state: RunState): readonly Action[] {
  const all: Action[] = [];
  for (let actions = decide(state); actions.length > 0; actions = decide(state)) {
    if (all.length > 1000) throw new Error('decides the same again and again');
    for (const action of actions) reduce(state, eventOf(state, action, state.coordinatorAt));
    all.push(...actions);
  }
  return all;
}

export const reportOf = (state: RunState): Report => merge(state, { finishedAt: 7000, mergeSeconds: 0.1 });
