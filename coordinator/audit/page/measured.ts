// Formats the measurements of an audit: the comparison, where the time went, and what is slow.

import { fileOf } from '../../../shared/domain/ids.ts';
import { isFailure } from '../../../shared/domain/outcome.ts';
import type { Report } from '../../../shared/domain/report.ts';
import { plural } from '../../../shared/text/safe-text.ts';
import { inBytes, inPercent, inSeconds } from '../../reporters/summary/profile-text.ts';
import type { Bar, Block, Inline } from '../../web/audit-data.ts';
import type { Audit } from '../core/audit.ts';
import { localWorkers } from '../core/findings.ts';
import { type MeasuredPhase, type Measurement, measuredPhases } from '../core/measurement.ts';
import { bar, code, heading, table, words } from './blocks.ts';

/** Maximum number of the slowest entries listed of each kind. */
const SLOWEST = 5;
/** Entries that take less time are not listed. */
const LEAST_SECONDS = 0.005;

/** One way to run the suite. `phases` are the mean of its workers and add up to `seconds`. */
interface Way {
  readonly name: string;
  readonly seconds: number;
  readonly isPartial: boolean;
  readonly workers: number;
  readonly phases: Readonly<Record<MeasuredPhase, number>> | null;
  readonly cpuSeconds: number | null;
  readonly collectionWorkerSeconds: number;
  readonly memory: string;
  readonly tests: number;
  readonly failed: number;
}

export const phaseNames: Readonly<Record<MeasuredPhase, string>> = {
  start: 'start',
  collection: 'collection',
  tests: 'tests',
  waiting: 'waiting',
  end: 'end',
};

export function waysOf(audit: Audit): readonly Way[] {
  const plain = (name: string, measured: Measurement | null): Way[] =>
    measured === null
      ? []
      : [
          {
            name,
            ...measured,
            memory: measured.peakRssBytes === 0 ? 'not reported' : inBytes(measured.peakRssBytes),
            tests: measured.tests.size,
            failed: [...measured.tests.values()].filter(({ outcome }) => isFailure(outcome)).length + measured.notCollected.length,
          },
        ];
  return [
    ...plain('pytest, one process', audit.sequential),
    ...plain(`pytest -n ${audit.parallel?.workers ?? ''}`, audit.parallel),
    ...shardedWay(audit),
  ];
}

function shardedWay(audit: Audit): readonly Way[] {
  if (audit.sharded === null) return [];
  const { report, seconds } = audit.sharded;
  const { breakdown, collectionSeconds } = report.profile;
  const workers = localWorkers(audit);
  const cpus = report.agents.map(({ cpuSeconds }) => cpuSeconds);
  const peak = report.agents.reduce((sum, { peakRssBytes }) => sum + peakRssBytes, 0);
  const of = (phase: keyof NonNullable<typeof breakdown>): number => breakdown?.[phase].seconds ?? 0;
  const phases = {
    start: of('preparation') + of('start-up'),
    collection: of('collection'),
    tests: of('execution'),
    waiting: of('between') + of('lost') + of('imbalance'),
    end: 0,
  };
  const { totals } = report;
  return [
    {
      name: 'shardline',
      seconds,
      isPartial: totals.notRun > 0,
      workers,
      phases:
        breakdown === null
          ? null
          : { ...phases, end: Math.max(0, seconds - phases.start - phases.collection - phases.tests - phases.waiting) },
      cpuSeconds: cpus.includes(null) || cpus.length === 0 ? null : cpus.reduce<number>((sum, each) => sum + (each ?? 0), 0),
      collectionWorkerSeconds: collectionSeconds,
      memory: peak === 0 ? 'not reported' : inBytes(peak / Math.max(1, workers)),
      // A report counts a file that is skipped as a whole as a test; pytest does not.
      tests: report.tests.filter(({ nodeid }) => nodeid !== (fileOf(nodeid) as string)).length,
      failed: totals.failed + totals.error + report.collectErrors.length,
    },
  ];
}

/** The comparison, and where the time of each way went. */
export function measuredBlocks(audit: Audit): readonly Block[] {
  const ways = waysOf(audit);
  const first = ways[0];
  const isCompared = audit.sequential !== null && !audit.sequential.isPartial;
  return [
    heading('Measured'),
    ...table(
      ['', 'wall time', 'times as fast', 'CPU of its workers', 'memory per worker', 'tests', 'failed'],
      ways.map((way) => [
        way.name,
        `${inSeconds(way.seconds)}${way.isPartial ? ', cut off' : ''}`,
        isCompared && first !== undefined && !way.isPartial ? (first.seconds / way.seconds).toFixed(1) : 'unknown',
        way.cpuSeconds === null || way.workers === 0 ? 'not reported' : inPercent(way.cpuSeconds / (way.workers * way.seconds)),
        way.memory,
        String(way.tests),
        String(way.failed),
      ]),
    ),
    ...(audit.before === null ? [] : [words(...beforeWords(audit.before))]),
    ...audit.problems.map((problem) => words(problem)),
    heading('Where the time goes'),
    { kind: 'bars', title: 'Seconds of each way, by phase (mean of its workers)', bars: ways.flatMap(barOf) },
    ...table(
      ['mean of its workers', ...measuredPhases.map((phase) => phaseNames[phase]), 'sum'],
      ways.flatMap(({ name, phases, seconds }) =>
        phases === null ? [] : [[name, ...measuredPhases.map((phase) => inSeconds(phases[phase])), inSeconds(seconds)]],
      ),
    ),
    ...collectionWords(audit, ways),
    ...slowdownWords(ways),
  ];
}

/** Two executions of the same tests may differ by up to this share anyway. */
const LEAST_SLOWDOWN = 0.1;

/**
 * Compares the worker time of the same tests in each way. The difference comes from xdist workers that run side by side and from other load
 * on the machine.
 */
function slowdownWords(ways: readonly Way[]): readonly Block[] {
  const costs = ways.flatMap(({ name, phases, workers, isPartial }) =>
    phases === null || isPartial ? [] : [{ name, seconds: phases.tests * workers }],
  );
  const [first, ...others] = costs;
  if (first === undefined || !others.some(({ seconds }) => Math.abs(seconds / first.seconds - 1) >= LEAST_SLOWDOWN)) return [];
  const compared = others.map(({ name, seconds }) => `${inSeconds(seconds)} under ${name} (${signed(seconds / first.seconds - 1)})`);
  return [
    words(
      `The tests took ${inSeconds(first.seconds)} of worker time under ${first.name}, ${compared.join(', ')}: parallel workers, or other work on the machine, slow each test down.`,
    ),
  ];
}

const signed = (share: number): string => `${share < 0 ? '' : '+'}${inPercent(share)}`;

const beforeWords = ({ name, tests, failed, testSeconds }: NonNullable<Audit['before']>): Inline[] => [
  'The suite did not run serially; the baseline ',
  code(name),
  ` replaces that. It has ${plural(tests, 'test')}, ${failed} of them failed, and its tests took ${inSeconds(testSeconds)} in total. Its wall time is unknown.`,
];

const barOf = ({ name, phases }: Way): Bar[] =>
  phases === null
    ? []
    : [
        bar(
          name,
          measuredPhases.map((phase) => ({ part: phaseNames[phase], seconds: phases[phase] })),
        ),
      ];

/** Compares the cost of collection: with plain xdist, each worker pays all of it. */
function collectionWords({ parallel, sharded, sequential }: Audit, ways: readonly Way[]): readonly Block[] {
  if (parallel === null || parallel.workers < 1) return [];
  const files = plural(parallel.files.size, 'file');
  const plain = `Under ${ways.find(({ name }) => name.startsWith('pytest -n'))?.name}, each of ${plural(parallel.workers, 'worker')} collected the same ${files}: ${inSeconds(parallel.phases.collection)} each, ${inSeconds(parallel.collectionWorkerSeconds)} of worker time`;
  const once = sequential === null ? '' : `; one process needed ${inSeconds(sequential.phases.collection)}`;
  const own =
    sharded === null
      ? ''
      : collectsWhole(sharded.report)
        ? ' Under shardline every worker collected the whole suite too; that is part of its start.'
        : ` Under shardline each file was collected by the worker that ran it: ${inSeconds(sharded.report.profile.collectionSeconds)} of worker time in total.`;
  return [words(`${plain}${once}.${own}`)];
}

/** With `--collect suite` no file is collected on its own. */
const collectsWhole = ({ profile }: Report): boolean => profile.collectionSeconds === 0;

export function slowBlocks({ basis, slowFiles, slowTests, imports, sequential }: Audit): readonly Block[] {
  const packages = imports.filter(({ importer, totalSeconds }) => importer !== null && totalSeconds >= LEAST_SECONDS).slice(0, SLOWEST);
  if (basis === null) return [];
  const where = sequential === null ? 'under pytest -n' : 'in one process';
  return [
    heading('What is slow'),
    words(`Measured ${where}. Files with their collection, tests with their set-up and teardown.`),
    ...table(
      ['slowest files', 'seconds', 'tests'],
      slowFiles.slice(0, SLOWEST).map(({ name, seconds, tests }) => [code(name), inSeconds(seconds), String(tests)]),
    ),
    ...table(
      ['slowest tests', 'seconds'],
      slowTests
        .filter(({ seconds }) => seconds >= LEAST_SECONDS)
        .slice(0, SLOWEST)
        .map(({ name, seconds }) => [code(name), inSeconds(seconds)]),
    ),
    ...table(
      ['slowest fixtures', 'scope', 'set up', 'seconds in total', 'from'],
      basis.fixtures
        .filter(({ seconds }) => seconds >= LEAST_SECONDS)
        .slice(0, SLOWEST)
        .map(({ name, scope, file, seconds, count }) => [code(name), scope, plural(count, 'time'), inSeconds(seconds), code(file)]),
      [1, 4],
    ),
    ...table(
      ['slowest imports', 'own code', 'with its imports', 'first imported for'],
      packages.map(({ name, selfSeconds, totalSeconds, importer }) => [
        code(name),
        inSeconds(selfSeconds),
        inSeconds(totalSeconds),
        code(importer ?? ''),
      ]),
      [3],
    ),
    ...(packages.length === 0
      ? []
      : [
          words(
            'Import times are from one collection of the whole suite under ',
            code('python -X importtime'),
            ', which slows imports down.',
          ),
        ]),
  ];
}
