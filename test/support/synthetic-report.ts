// The report of an invented run of any size: every outcome, flaky tests, captured output, tests not run, and agents with xdist workers that are busy
// most of the time. The same seed gives the same report.

import { agentId, nodeId, runId, shardId, testFile } from '../../shared/domain/ids.ts';
import type { Outcome } from '../../shared/domain/outcome.ts';
import type { Breakdown, Phase, Report, ReportedAttempt, ReportedTest } from '../../shared/domain/report.ts';
import { NOTHING_SHOWN } from '../../shared/domain/shown.ts';

export interface SyntheticRun {
  readonly tests: number;
  readonly agents: number;
  readonly workers: number;
  readonly seed: number;
  /** How many of a thousand tests fail. */
  readonly failuresPerThousand: number;
  /** Without it, the run has no deadline. */
  readonly deadlineSeconds?: number;
}

const STARTED_AT = Date.parse('2026-01-02T03:04:05.000Z');
const FIRST_TEST_SECONDS = 1.6;
const TESTS_PER_FILE = 40;

const areas = ['api', 'billing', 'catalog', 'core', 'exports', 'imports', 'mail', 'orders', 'search', 'users'] as const;
const topics = ['create', 'delete', 'filter', 'limits', 'merge', 'paging', 'permissions', 'retry', 'round_trip', 'validation'] as const;
const cases = ['accepts', 'keeps', 'refuses', 'reports', 'returns', 'sorts', 'stores', 'updates'] as const;

/** mulberry32: pseudo-random numbers from 0 up to 1 from a seed. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function syntheticReport({ tests: count, agents, workers, seed, failuresPerThousand, deadlineSeconds }: SyntheticRun): Report {
  const random = numbersFrom(seed);
  const pick = <Item>(items: readonly [Item, ...Item[]]): Item => items[Math.floor(random() * items.length)] ?? items[0];
  const lanes = Array.from({ length: agents * workers }, (_, lane) => ({
    agent: agentId(`runner-${1 + Math.floor(lane / workers)}`),
    worker: `gw${lane % workers}`,
    freeAt: FIRST_TEST_SECONDS + random() * 0.6,
    tests: 0,
    busy: 0,
  }));
  const tests: ReportedTest[] = [];
  for (let index = 0; tests.length < count; index += 1) {
    const area = pick(areas);
    const file = testFile(`tests/${area}/test_${pick(topics)}_${index}.py`);
    const lane = lanes.reduce((best, each) => (each.freeAt < best.freeAt ? each : best));
    lane.freeAt += 0.02 + random() * 0.05;
    // Longest first, in the order in which shardline starts files.
    const slowness = index * TESTS_PER_FILE < count * 0.06 ? 8 : 1;
    for (let each = 0; each < TESTS_PER_FILE && tests.length < count; each += 1) {
      const seconds = Number((0.002 + slowness * 0.03 * random() ** 3).toFixed(4));
      const fate = random() * 1000;
      const outcome = fateOf(fate, failuresPerThousand);
      const attempt = attemptOf({ agent: lane.agent, worker: lane.worker, startsAt: lane.freeAt, seconds, outcome, file });
      const isFlaky = outcome === 'passed' && fate > 998;
      const failed: ReportedAttempt = attemptOf({ ...attempt, startsAt: lane.freeAt, outcome: 'failed', file });
      const again = { ...attempt, startedAt: instantAt(lane.freeAt + seconds + 0.01) };
      const name = `test_${pick(cases)}_${area}_${each}${random() < 0.6 ? `[${pick(topics)}-${Math.floor(random() * 100)}]` : ''}`;
      tests.push({
        nodeid: nodeId(`${file}::${name}`),
        outcome,
        flaky: isFlaky,
        seconds,
        file,
        line: 10 + each * 7,
        attempts: isFlaky ? [failed, again] : [attempt],
      });
      lane.freeAt += (isFlaky ? 2 : 1) * seconds + 0.0015;
      lane.tests += 1;
      lane.busy += (isFlaky ? 2 : 1) * seconds;
    }
  }
  const makespan = Math.max(...lanes.map(({ freeAt }) => freeAt)) - FIRST_TEST_SECONDS;
  const finished = makespan + FIRST_TEST_SECONDS + 0.3;
  const notRun = deadlineSeconds === undefined ? [] : missing(Math.min(120, Math.ceil(count / 100)));
  return reportOf({ tests, lanes, agents, workers, makespan, finished, notRun, deadlineSeconds });
}

const fateOf = (fate: number, failuresPerThousand: number): Outcome => {
  if (fate < failuresPerThousand * 0.8) return 'failed';
  if (fate < failuresPerThousand) return 'error';
  if (fate < failuresPerThousand + 25) return 'skipped';
  if (fate < failuresPerThousand + 30) return 'xfailed';
  return fate < failuresPerThousand + 31 ? 'xpassed' : 'passed';
};

interface Told {
  readonly agent: ReportedAttempt['agent'];
  readonly worker: string;
  readonly startsAt: number;
  readonly seconds: number;
  readonly outcome: Outcome;
  readonly file: string;
}

const instantAt = (seconds: number): string => new Date(STARTED_AT + Math.round(seconds * 1000)).toISOString();

function attemptOf({ agent, worker, startsAt, seconds, outcome, file }: Told): ReportedAttempt {
  const isRed = outcome === 'failed' || outcome === 'error';
  const reason = outcome === 'skipped' ? 'Skipped: needs a network' : outcome === 'xfailed' ? 'known: the totals are rounded twice' : null;
  return {
    agent,
    worker,
    startedAt: instantAt(startsAt),
    seconds,
    outcome,
    message: isRed ? traceback(file, outcome) : reason,
    brief: isRed ? "AssertionError: assert {'currency': ...al': '119.69'} == {'currency': ...al': '119.70'}" : null,
    sections: isRed ? [{ title: 'Captured log call', text: log(file) }] : [],
  };
}

const traceback = (
  file: string,
  outcome: Outcome,
): string => `${outcome === 'error' ? '    @pytest.fixture\n    def' : 'def'} test_total(client, order):
    order.add(sku="A-17", quantity=3)
    order.add(sku="B-02", quantity=1)
    response = client.post("/orders", json=order.as_json())
>   assert response.json() == {"total": "119.70", "currency": "EUR"}
E   AssertionError: assert {'currency': ...al': '119.69'} == {'currency': ...al': '119.70'}
E     Omitting 1 identical items, use -vv to show
E     Differing items:
E     {'total': '119.69'} != {'total': '119.70'}

${file}:41: AssertionError`;

const log = (file: string): string => `INFO     shop.orders:orders.py:88 order opened by ${file}
WARNING  shop.pricing:pricing.py:31 rounding 119.695 half down, as the tariff table asks
INFO     shop.orders:orders.py:112 order stored, total 119.69 EUR
`;

const missing = (count: number): Report['notRun'] =>
  Array.from({ length: count }, (_, index) => ({
    nodeid: testFile(`tests/slow/test_nightly_${index}.py`),
    kind: 'file' as const,
    tests: 1,
    reason: 'deadline' as const,
    predictedSeconds: 1.5 + index / 10,
  }));

interface Parts {
  readonly tests: readonly ReportedTest[];
  readonly lanes: readonly {
    readonly agent: ReportedAttempt['agent'];
    readonly freeAt: number;
    readonly tests: number;
    readonly busy: number;
  }[];
  readonly agents: number;
  readonly workers: number;
  readonly makespan: number;
  readonly finished: number;
  readonly notRun: Report['notRun'];
  readonly deadlineSeconds: number | undefined;
}

function reportOf({ tests, lanes, agents, workers, makespan, finished, notRun, deadlineSeconds }: Parts): Report {
  const count = (outcome: Outcome): number => tests.filter((test) => test.outcome === outcome).length;
  const sequential = tests.reduce((sum, { seconds }) => sum + seconds, 0);
  const bound = sequential / lanes.length;
  const isRed = count('failed') + count('error') > 0;
  return {
    rejected: [],
    missingMessages: [],
    absent: [],
    conflicts: [],
    waits: [],
    restarted: null,
    origin: {
      project: 'shop',
      branch: 'totals',
      command: 'shardline run tests --redis redis://ci@redis.example:6379 --deadline 7s',
      job: 'https://ci.example/jobs/8123',
    },
    part: null,
    partProblems: [],
    schema: 1,
    runId: runId('20260102-030405-demo'),
    verdict: isRed ? 'failed' : notRun.length > 0 ? 'deadline' : 'passed',
    exitCode: isRed ? 1 : notRun.length > 0 ? 10 : 0,
    startedAt: new Date(STARTED_AT).toISOString(),
    finishedAt: instantAt(finished),
    deadline:
      deadlineSeconds === undefined
        ? null
        : { seconds: deadlineSeconds, reserveSeconds: 1, met: finished <= deadlineSeconds, overshootSeconds: 0 },
    totals: {
      expected: tests.length + notRun.length,
      passed: count('passed'),
      failed: count('failed'),
      error: count('error'),
      skipped: count('skipped'),
      xfailed: count('xfailed'),
      xpassed: count('xpassed'),
      flaky: tests.filter(({ flaky }) => flaky).length,
      notRun: notRun.length,
      notRunIsLeast: false,
      duplicatesDropped: 0,
    },
    tests,
    notRun,
    textsCut: 0,
    collectErrors: [],
    sessionErrors: [],
    targets: null,
    coverage: null,
    comparison: null,
    history: {
      unstable: tests.slice(0, 3).map(({ nodeid }, index) => ({ nodeid, lastRuns: ['PFPPFPRPPF', 'RPPP', 'FPFS'][index] ?? '' })),
      slowest: tests.map(({ nodeid, seconds }) => ({ nodeid, seconds, usualSeconds: seconds / 2 })).slice(0, 100),
    },
    ...NOTHING_SHOWN,
    shards: [{ id: shardId(1), selectors: 1, predictedSeconds: 1, seconds: 1, agent: agentId('runner-1'), attempt: 1, state: 'done' }],
    agents: Array.from({ length: agents }, (_, index) => {
      const own = lanes.slice(index * workers, (index + 1) * workers);
      const busySeconds = own.reduce((sum, { busy }) => sum + busy, 0);
      return {
        id: agentId(`runner-${index + 1}`),
        host: `ci-host-${index + 1}`,
        workers,
        tests: own.reduce((sum, lane) => sum + lane.tests, 0),
        busySeconds,
        idleSeconds: makespan * workers - busySeconds,
        peakRssBytes: (180 + index * 7) * 2 ** 20,
        cpuSeconds: busySeconds * 0.91,
        ended: 'left' as const,
        why: null,
        fingerprint: null,
        differences: [],
      };
    }),
    fingerprint: null,
    profile: {
      setupSeconds: 0.6,
      discoverySeconds: 0.9,
      collectionSeconds: 0.05 * (tests.length / TESTS_PER_FILE),
      executionSeconds: sequential,
      mergeSeconds: 0.1,
      makespanSeconds: makespan,
      boundSeconds: bound,
      efficiency: bound / makespan,
      cpuUtilization: 0.91,
      timeToFirstTestSeconds: FIRST_TEST_SECONDS,
      sequentialSeconds: sequential,
      speedup: sequential / makespan,
      secondsPerTest: sequential / Math.max(1, tests.length),
      breakdown: breakdownOf(finished, makespan, bound),
      rating: 'good',
    },
  };
}

function breakdownOf(finished: number, makespan: number, bound: number): Breakdown {
  const seconds = {
    preparation: FIRST_TEST_SECONDS - 0.6,
    'start-up': 0.6,
    collection: 0.1,
    execution: bound,
    between: 0.1,
    lost: 0,
    imbalance: 0,
    ending: 0.3,
  };
  seconds.imbalance = Math.max(0, makespan - bound - 0.2);
  const of = (value: number): Breakdown[Phase] => ({ seconds: value, share: value / finished });
  return {
    preparation: of(seconds.preparation),
    'start-up': of(seconds['start-up']),
    collection: of(seconds.collection),
    execution: of(seconds.execution),
    between: of(seconds.between),
    lost: of(seconds.lost),
    imbalance: of(seconds.imbalance),
    ending: of(seconds.ending),
  };
}
