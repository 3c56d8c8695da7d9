// Runs an explicit list of tests in order in one new xdist worker, the way a run does, and reports each result.

import type { AttemptEvent, TestResult } from '../shared/domain/events.ts';
import { type AgentId, attemptId, type NodeId, shardId, type TestFile } from '../shared/domain/ids.ts';
import type { RunSpec } from '../shared/domain/run-spec.ts';
import { groupByFile } from './core/recorded-order.ts';
import type { Engine } from './ports.ts';
import { claimAlone } from './worker-numbers.ts';

export interface Replay {
  readonly engine: Engine;
  readonly agent: AgentId;
  readonly spec: RunSpec;
  /** See `HowToCollect`. */
  readonly companions: readonly TestFile[];
  readonly workspace: string;
  readonly python: string;
  /** Variables added to this process's environment for the new pytest. */
  readonly environment: Readonly<Record<string, string>>;
  /** Receives each result as it arrives. */
  readonly onResult: (result: TestResult) => void;
}

export interface Replayed {
  readonly results: ReadonlyMap<NodeId, TestResult>;
  /** Failures outside tests, as messages: files that pytest could not collect, and a session that ended. */
  readonly problems: readonly string[];
}

/** One xdist worker, and no early end: the recorded run's own values must not apply here. */
const OVERRIDES = ['-n', '1', '--maxfail', '0'] as const;

/** Throws `session-not-started`, `no-workspace` and `no-python`. */
export async function replayTests(replay: Replay, nodeids: readonly NodeId[], interrupt: AbortSignal): Promise<Replayed> {
  const { engine, agent, companions, workspace, python, environment, onResult } = replay;
  const spec: RunSpec = {
    ...replay.spec,
    pytestArgs: [...replay.spec.pytestArgs, ...OVERRIDES],
    maxfail: 0,
    drain: null,
    maxWorkerBytes: 0,
    maxWorkerFiles: 0,
  };
  const results = new Map<NodeId, TestResult>();
  const problems: string[] = [];
  const receive = (event: AttemptEvent): void => {
    if (event.kind === 'collect-failed') problems.push(...event.errors.map(({ nodeid, message }) => `${nodeid}: ${message}`));
    if (event.kind !== 'test-finished') return;
    results.set(event.result.nodeid, event.result);
    onResult(event.result);
  };
  const session = await engine.open({
    agent,
    labels: null,
    spec,
    workspace,
    python,
    environment,
    numprocesses: '1',
    ending: interrupt,
    collect: Promise.resolve({ mode: replay.spec.collect === 'suite' ? 'suite' : 'file', proves: false, companions, loads: [] }),
    started: () => undefined,
    inseparable: () => undefined,
    listed: () => undefined,
    refused: (message) => problems.push(message),
    ended: ({ problem }) => void (problem === null ? 0 : problems.push(problem)),
    room: () => null,
    isMoreWaiting: async () => false,
    claimNumbers: claimAlone(),
    keepCoverage: null,
    maxAutoWorkers: 1,
  });
  try {
    // All attempts start at once. They wait for the one worker in this order, and each ends while the next one is known, as in the run.
    await Promise.all(
      groupByFile(nodeids).map(async ({ file, nodeids: named }, index) => {
        const shard = shardId(index + 1);
        // `serial` makes the named tests run now, even if their marks postpone them.
        const about = { id: attemptId(shard, 1), shard, fence: 1, role: 'serial', predictedSeconds: 0, avoid: [] } as const;
        const ending = await session.run({ ...about, selectors: [{ kind: 'tests', file, nodeids: named }] }, receive, interrupt);
        if (ending.kind === 'crashed' || ending.kind === 'not-started') problems.push(`${file}: ${ending.detail}`);
      }),
    );
  } finally {
    await session.close();
  }
  return { results, problems };
}
