// Defines the state of a run as plain values. records.ts defines its records, reduce.ts applies events to it, decide.ts decides from it.

import type { KeptCoverage, ReportedCoverage } from '../../../shared/domain/coverage.ts';
import type { CollectError, RunEvent } from '../../../shared/domain/events.ts';
import type { Absence } from '../../../shared/domain/fleet/decline.ts';
import type { AgentId, AttemptId, NodeId, ShardId, TestFile } from '../../../shared/domain/ids.ts';
import type { Rejection, SessionError } from '../../../shared/domain/report.ts';
import { noUnits, type UnitsState } from './attempts/units-state.ts';
import type { Change } from './changes.ts';
import { newSuiteState, type SuiteState } from './collection/suite-state.ts';
import type { CloseReason, RunOpened } from './events.ts';
import type { AttemptRecord, ShardRecord } from './records.ts';
import { type AgentRecord, type ConflictRecord, type Doubt, type KnownNumbers, plannedFiles, type TestRecord } from './records.ts';
import { indexShard, newShardIndex, type ShardIndex } from './shard-index.ts';
import { noneShown, type ShownState } from './shown.ts';
import { newTextBudget, type TextBudget } from './text-budget.ts';
import { noWork, type Work } from './worker-time.ts';

export interface RunState {
  readonly opened: RunOpened;
  readonly shards: Map<ShardId, ShardRecord>;
  readonly index: ShardIndex;
  readonly attempts: Map<AttemptId, AttemptRecord>;
  readonly agents: Map<AgentId, AgentRecord>;
  readonly tests: Map<NodeId, TestRecord>;
  readonly suite: SuiteState;
  readonly work: Work;
  /** Claims of resources that the run shares with other runs. */
  readonly units: UnitsState;
  /** The agents' coverage reports in order, and the combined coverage; null until combined. */
  readonly coverage: { readonly kept: KeptCoverage[]; combined: ReportedCoverage | null };
  readonly shown: ShownState;
  /** Collection errors of attempts, by file, or by directory or conftest above files. */
  readonly collectErrors: Map<TestFile, readonly CollectError[]>;
  /** Collection errors that only one agent has reported so far. */
  readonly doubts: Map<TestFile, Doubt>;
  /** Errors at the end of a pytest session, each once. */
  readonly sessionErrors: SessionError[];
  /** Whether hooks of the suite turn a session without tests into a success. */
  acceptsNoTests: boolean;
  /** Tests whose first result is a failure. */
  readonly failed: Set<TestRecord>;
  /** Number of failed and error outcomes of first results, and of collection errors. */
  failures: number;
  duplicatesDropped: number;
  /** Events of agents that have not joined. They count once their agent joins. */
  readonly waiting: RunEvent[];
  /** When agents that have not joined were last asked who they are. */
  readonly askedAt: Map<AgentId, number>;
  /** Later results that contradict the first one of their test. */
  readonly conflicts: ConflictRecord[];
  /** Messages that do not count, by sender and cause. */
  readonly rejections: Map<string, Rejection>;
  /** The numbers of agents' batches; empty unless the run requires signatures. */
  readonly numbers: Map<AgentId, KnownNumbers>;
  /** Remaining budget for tracebacks and output of counted results. */
  readonly texts: TextBudget;
  /** Changes made so far by the event being reduced; empty between two events. */
  readonly changes: Change[];
  /** Number of tests that were running when their xdist worker died. */
  crashedTests: number;
  /** Latest time by the coordinator's own clock; agents' clocks may differ from it and from each other. */
  coordinatorAt: number;
  firstEnqueuedAt: number | null;
  /** Number of agents that are alive. */
  living: number;
  /** Since when no agent is alive, by the coordinator's clock; null while one is. Any event of an agent moves it forward. */
  aloneSince: number | null;
  /** Why the agents of the pool do not serve the run, and since when that is known; as of the last time when none did. */
  absences: readonly (Absence & { readonly sinceAt: number })[];
  /** When a forecast was last recorded; null before the first. */
  forecastAt: number | null;
  interruptedBy: string | null;
  redisLost: boolean;
  /** Whether Redis has lost messages of agents, such as that they have begun an attempt. */
  hasLostMessages: boolean;
  /** Why no agent can join any more; null while one may. */
  noAgentCanCome: string | null;
  closed: { readonly at: number; readonly why: CloseReason } | null;
}

/** The state of a run of which only the opening is known. */
export function openRun(opened: RunOpened): RunState {
  const shards = opened.shards.map(
    (shard): ShardRecord => ({ shard, state: { kind: 'planned' }, files: plannedFiles(shard), isPart: false, waits: [] }),
  );
  const index = newShardIndex();
  for (const record of shards) indexShard(index, record);
  return {
    opened,
    shards: new Map(shards.map((record) => [record.shard.id, record])),
    index,
    attempts: new Map(),
    agents: new Map(),
    tests: new Map(),
    suite: newSuiteState(opened),
    work: noWork(),
    units: noUnits(),
    coverage: { kept: [], combined: null },
    shown: noneShown(),
    collectErrors: new Map(),
    sessionErrors: [],
    acceptsNoTests: opened.acceptsNoTests,
    doubts: new Map(),
    failed: new Set(),
    failures: opened.collectErrors.length,
    duplicatesDropped: 0,
    waiting: [],
    askedAt: new Map(),
    conflicts: [],
    rejections: new Map(),
    numbers: new Map(),
    texts: newTextBudget(),
    changes: [],
    crashedTests: 0,
    coordinatorAt: opened.at,
    firstEnqueuedAt: null,
    living: 0,
    aloneSince: opened.at,
    absences: [],
    forecastAt: null,
    interruptedBy: null,
    redisLost: false,
    hasLostMessages: false,
    noAgentCanCome: null,
    closed: null,
  };
}

/** Every expected test once, by shard, file and announcement, whatever the order of events. */
export function testsInOrder(state: RunState): readonly TestRecord[] {
  const files = [...state.shards.values()].flatMap((record) => [...record.files.values()]);
  return [...new Set(files.flatMap((progress) => [...progress.tests.values()]))];
}

/** Agents that are alive according to the events. One that is missing from the presence is lost; emit `agent-lost` for it each time. */
export const livingAgents = (state: RunState): readonly AgentId[] =>
  [...state.agents.values()].filter((agent) => agent.presence === 'alive').map((agent) => agent.id);
