// The opening of a simulated run: its spec, and the plan that production code makes from the timings of earlier runs in the scenario.

import { drainOf } from '../../coordinator/commands/run-spec-builder.ts';
import { NO_AFFINITY } from '../../coordinator/core/plan/affinity.ts';
import { estimateFiles } from '../../coordinator/core/plan/estimate.ts';
import { planShards } from '../../coordinator/core/plan/plan.ts';
import { planSuite } from '../../coordinator/core/plan/plan-suite.ts';
import { splitUnits } from '../../coordinator/core/plan/split.ts';
import { unitsWithNeeds } from '../../coordinator/core/plan/unit-needs.ts';
import { deadlineTimes } from '../../coordinator/core/state/deadline.ts';
import type { RunOpened } from '../../coordinator/core/state/events.ts';
import type { RunLoop } from '../../coordinator/run-loop.ts';
import { nodeId, type RunId, runId, type TestFile, testFile } from '../../shared/domain/ids.ts';
import { isNone, NO_NEEDS } from '../../shared/domain/needs.ts';
import type { FilesPrint } from '../../shared/domain/suite/fingerprint.ts';
import type { FileTiming, Timings } from '../../shared/domain/suite/timings.ts';
import type { Scenario } from './scenario.ts';

export const POOL = 'simulated';
export const RUN = runId('run');
export const SECOND_RUN = runId('second');
export interface Rank {
  readonly run: RunId;
  readonly priority: number;
}

/** What one shard costs besides its tests. */
const FIXED_SECONDS = 0.005;

/** xdist workers of all agents. */
const slotsOf = ({ agents }: Scenario): number =>
  Math.max(
    1,
    agents.reduce((sum, { workers }) => sum + workers, 0),
  );

/** How a coordinator plans the whole list of the suite. */
export function suitePlanner(scenario: Scenario): RunLoop['planSuite'] {
  const affinity = NO_AFFINITY;
  const planning = {
    timings: timingsOf(scenario),
    affinity,
    slots: slotsOf(scenario),
    fixedSeconds: FIXED_SECONDS,
    thresholdSeconds: null,
    part: null,
  };
  return (list, first) => ({ shards: planSuite(list, planning, first), failureChances: {} });
}

export const printOf = (contents: string, place: string): FilesPrint => ({ place, git: null, contents });

/** The timings that an earlier run measured, accurate or not. */
function timingsOf({ files }: Scenario): Timings {
  const timings = new Map<TestFile, FileTiming>();
  for (const { name, collectMs, knownAs, tests } of files) {
    if (knownAs === null) continue;
    const seconds = (ms: number): number => (ms * knownAs) / 1000;
    const own = new Map(tests.map(({ id, ms }) => [nodeId(id), seconds(ms)]));
    const sum = tests.reduce((total, { ms }) => total + ms, collectMs);
    timings.set(testFile(name), {
      seconds: seconds(sum),
      collectSeconds: seconds(collectMs),
      fixtureSeconds: 0,
      tests: own,
      lastRuns: new Map(),
      needs: new Map(tests.flatMap(({ id, needs }) => (needs === undefined || isNone(needs) ? [] : [[nodeId(id), needs] as const]))),
    });
  }
  return timings;
}

/** `rank` is what an agent that serves several runs knows this one by. */
export function openingOf(scenario: Scenario, rank: Rank, startedAt: number, aheadMs: number): RunOpened {
  const { collect, files, limits } = scenario;
  const deadline = limits.deadlineSeconds === null ? null : { seconds: limits.deadlineSeconds, reserveSeconds: 1 };
  const times = deadlineTimes({ startedAt, deadline });
  const timings = timingsOf(scenario);
  const estimates = estimateFiles(
    files.map(({ name }) => ({ file: testFile(name), nodeids: null })),
    timings,
  );
  const units = [...estimates].map(([file, seconds]) => ({ selectors: [{ kind: 'file', file } as const], seconds }));
  const slots = slotsOf(scenario);
  const split = splitUnits(
    unitsWithNeeds(units, { ofFile: () => NO_NEEDS, ofTests: (file) => timings.get(file)?.needs ?? new Map() }, NO_AFFINITY, timings),
    { timings, affinity: NO_AFFINITY, slots, thresholdSeconds: null },
  );
  return {
    kind: 'run-opened',
    at: startedAt,
    startedAt,
    spec: {
      runId: rank.run,
      pool: POOL,
      collect,
      pytestArgs: [],
      cache: null,
      harmless: [],
      serialMarker: 'serial',
      stopsItself: limits.rerunTimes === 0,
      testTimeoutSeconds: limits.testTimeoutSeconds,
      relay: 'auto',
      fingerprintPolicy: 'strict',
      files: printOf('same', 'coordinator'),
      maxWorkerBytes: 0,
      maxWorkerFiles: 0,
      ...(scenario.rival === undefined ? {} : { unitsIn: POOL }),
      maxfail: limits.maxfail,
      openedAt: startedAt + aheadMs,
      priority: rank.priority,
      drain: times === null ? null : drainOf(times, aheadMs),
    },
    shards: planShards({ units: split, slots, fixedSeconds: FIXED_SECONDS }).shards,
    collectErrors: [],
    preparation: { setupSeconds: 0, discoverySeconds: 0 },
    attemptLimit: limits.attemptLimit,
    crashLimit: limits.crashLimit,
    reruns: { times: limits.rerunTimes, limit: { kind: 'percent', percent: 100 } },
    flakyFails: false,
    waitAgentSeconds: limits.waitAgentSeconds,
    deadline,
    affinity: NO_AFFINITY,
    digests: {},
    acceptsNoTests: false,
    junitXml: null,
    resources: scenario.resources ?? {},
    onlyAgents: null,
    failedWhole: [],
    companions: [],
    loads: [],
    restarted: null,
    origin: null,
    speculate: limits.speculate,
    order: null,
    failureChances: {},
    knownTests: {},
    coverage: null,
    cache: null,
    python: null,
    part: null,
  };
}
