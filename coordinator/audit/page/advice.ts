// What follows from an audit: what to change, how it would do on more machines, memory and the rating.

import { assertNever } from '../../../shared/assert-never.ts';
import { plural } from '../../../shared/text/safe-text.ts';
import { inBytes, inPercent, inSeconds } from '../../reporters/summary/profile-text.ts';
import type { Audit } from '../core/audit.ts';
import { type Change, NOISE } from '../core/changes.ts';
import { LEAST_GAIN } from '../core/predict.ts';
import { type Block, code, heading, type Inline, table, words } from './document.ts';

/** How many of the suite's own packages are named. */
const OWN_NAMED = 3;

export function changeBlocks({ changes }: Audit): readonly Block[] {
  return [
    heading('What to change first'),
    ...(changes.length === 0
      ? [words('Nothing was found that would win two seconds in a hundred.')]
      : table(
          ['change', 'wins', ''],
          changes.map((change) => [
            changeWords(change),
            `${change.kind === 'adopt' || change.kind === 'agents' ? '' : 'at most '}${inSeconds(change.seconds)}`,
            change.kind === 'adopt' ? 'measured' : 'predicted',
          ]),
          [2],
        )),
    words('Wins are of one run, on the workers at hand unless said otherwise; they overlap, so they do not add up.'),
  ];
}

function changeWords(change: Change): readonly Inline[] {
  switch (change.kind) {
    case 'adopt':
      return ['run it with shardline instead, on this machine'];
    case 'agents':
      return [`${plural(change.agents, 'agent')} like this machine instead of one`];
    case 'import': {
      const { name, importer } = change.imported;
      return ['do without importing ', code(name), ', or import it later: each worker pays for it (first for ', code(importer ?? ''), ')'];
    }
    case 'own-imports': {
      const { packages, selfSeconds } = change;
      const named = packages.slice(0, OWN_NAMED).flatMap(({ name }, index): Inline[] => [index === 0 ? '' : ', ', code(name)]);
      const more = packages.length > OWN_NAMED ? ` and ${packages.length - OWN_NAMED} more` : '';
      return [
        "move work out of the import of the suite's own modules (",
        ...named,
        `${more}): ${inSeconds(selfSeconds)} of their own code`,
      ];
    }
    case 'fixture': {
      const { name, file, scope, count, seconds } = change.fixture;
      const often = scope === 'session' ? 'set up once by each worker' : `set up ${plural(count, 'time')}, ${inSeconds(seconds)} in all`;
      return [
        'a cheaper fixture ',
        code(name),
        ' of ',
        code(file),
        ` (${scope}, ${often})${scope === 'function' ? ', or a wider scope' : ''}`,
      ];
    }
    case 'longest':
      return ['make the longest piece shorter, which is in ', code(change.file), ': it alone holds up the end'];
    case 'serial':
      return ['mend the tests that are marked to run alone, so that they need not'];
    default:
      return assertNever(change);
  }
}

export function predictionBlocks(audit: Audit): readonly Block[] {
  const { prediction } = audit;
  if (prediction === null) return [];
  const { rows, knee, floor, check, costsFrom, durationsFrom } = prediction;
  const last = rows.at(-1);
  const none = rows[0]?.workers ?? 1;
  const parts = [
    `${inSeconds(floor.fixedSeconds)} of preparation, start and end`,
    ...(floor.sessionSeconds >= 0.005 ? [`${inSeconds(floor.sessionSeconds)} of session fixtures, which each worker sets up`] : []),
    ...(floor.serialSeconds >= 0.005 ? [`${inSeconds(floor.serialSeconds)} of tests that run alone`] : []),
    `${inSeconds(floor.longestSeconds)} of the longest piece, in `,
  ];
  return [
    heading('Predicted for more agents'),
    words(
      `Not measured: what shardline's own planner says of agents like this machine (${plural(none, 'worker')} each), with durations measured ${durationsFrom === 'pytest -n' ? 'under pytest -n' : 'in one process'} and what a run of ${costsFrom} took to start and end.`,
    ),
    ...table(
      ['agents', 'workers', 'predicted wall time', 'saved against half as many'],
      rows.map(({ agents, workers, seconds }, index) => {
        const before = rows[index - 1];
        return [
          String(agents),
          String(workers),
          inSeconds(seconds),
          before === undefined ? '' : inPercent((before.seconds - seconds) / before.seconds),
        ];
      }),
    ),
    {
      kind: 'bars',
      title: 'Predicted wall time by agents',
      bars: rows.map(({ agents, seconds }) => ({ label: plural(agents, 'agent'), seconds: [{ part: 'predicted', seconds }] })),
    },
    words(
      knee === null
        ? `Up to ${plural(last?.agents ?? 1, 'agent')}, each doubling saves ${inPercent(LEAST_GAIN)} or more.`
        : `More than ${plural(knee, 'agent')} hardly help: twice as many save less than ${inPercent(LEAST_GAIN)}.`,
      ` What no number of agents makes shorter: ${parts.join(', ')}`,
      code(floor.longest),
      '.',
    ),
    ...(check === null
      ? []
      : [
          words(
            `For the run that was measured, the same prediction says ${inSeconds(check.predictedSeconds)}; it took ${inSeconds(check.measuredSeconds)}: off by ${inPercent(offBy(check))}. It takes tests to be as fast there as where their durations were measured.`,
          ),
        ]),
  ];
}

/** Of what was measured, how far the prediction is off. */
export const offBy = ({ predictedSeconds, measuredSeconds }: NonNullable<NonNullable<Audit['prediction']>['check']>): number =>
  Math.abs(predictedSeconds - measuredSeconds) / measuredSeconds;

/** How many times as many workers must fit that their number is no matter of memory. */
const FAR = 4;

export function memoryBlocks({ memory }: Audit): readonly Block[] {
  if (memory === null) return [];
  const { peakBytes, workers, memoryBytes, fitting, doAllFit, limitBytes } = memory;
  const all = `${plural(workers, 'worker')} of at most ${inBytes(peakBytes)} each come to ${inBytes(workers * peakBytes)} of the ${inBytes(memoryBytes)} that this machine or container has`;
  const fits = doAllFit
    ? fitting < FAR * workers
      ? `; ${plural(fitting, 'worker')} would fit.`
      : ': far from too much.'
    : ', which is too much: give ';
  return [
    heading('Memory'),
    words(`${all}${fits}`, ...(doAllFit ? [] : [code(`-n ${fitting}`), '.'])),
    ...(limitBytes === null
      ? []
      : [
          words(
            'A worker grew to more than twice what it held after collection. ',
            code(`--max-worker-memory ${inMegabytes(limitBytes)}`),
            ' replaces one that holds more than that after a file.',
          ),
        ]),
  ];
}

/** As options take sizes. */
export const inMegabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)}MB`;

export function ratingBlocks(audit: Audit): readonly Block[] {
  if (audit.sharded === null) return [];
  const { profile, agents, totals } = audit.sharded.report;
  const workers = agents.reduce((sum, each) => sum + each.workers, 0);
  const { parallel, sharded } = audit;
  const gain = parallel === null || parallel.isPartial ? null : parallel.seconds / sharded.seconds;
  return [
    heading('Is it good enough?'),
    words(
      `${totals.notRun > 0 ? 'Not rated, as tests were not run' : `${profile.rating.charAt(0).toUpperCase()}${profile.rating.slice(1)}`}: from the first shard to the last result the run of shardline took ${inSeconds(profile.makespanSeconds)}, where ${plural(workers, 'worker')} need at least ${inSeconds(profile.boundSeconds)} for that work: efficiency ${inPercent(profile.efficiency)}. (Excellent from 85 %, good from 70 %, fair from 50 %.) Beyond that, starting and ending took ${inSeconds(Math.max(0, sharded.seconds - profile.makespanSeconds))}.`,
    ),
    ...(gain === null || gain >= 1 + NOISE
      ? []
      : [
          words(
            gain >= 1 - NOISE
              ? 'In this measurement it was as fast as pytest -n on this one machine. What it adds then is more machines, deadlines and a report that accounts for every test.'
              : 'In this measurement pytest -n was faster on this one machine. What shardline adds then is more machines, deadlines and a report that accounts for every test.',
          ),
        ]),
  ];
}
