// Formats the advice of an audit: changes, predictions for more machines, memory and the rating.

import { assertNever } from '../../../shared/assert-never.ts';
import type { Report } from '../../../shared/domain/report.ts';
import { plural } from '../../../shared/text/safe-text.ts';
import { inBytes, inPercent, inSeconds, isWorthRating } from '../../reporters/summary/profile-text.ts';
import type { Block, Inline } from '../../web/audit-data.ts';
import type { Audit } from '../core/audit.ts';
import { type Change, NOISE } from '../core/changes.ts';
import { LEAST_GAIN } from '../core/predict.ts';
import { bar, code, heading, table, words } from './blocks.ts';

/** Maximum number of the suite's own packages to name. */
const OWN_NAMED = 3;

export function changeBlocks({ changes }: Audit): readonly Block[] {
  return [
    heading('What to change first'),
    ...(changes.length === 0
      ? [words('No change saves more than 2 % of the time.')]
      : table(
          ['change', 'saves', ''],
          changes.map((change) => [
            changeWords(change),
            `${change.kind === 'adopt' || change.kind === 'agents' ? '' : 'at most '}${inSeconds(change.seconds)}`,
            change.kind === 'adopt' ? 'measured' : 'predicted',
          ]),
          [2],
        )),
    words('Savings are per run, on the workers of this machine unless the row names others. They overlap, so they do not add up.'),
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
      return ['avoid importing ', code(name), ', or import it later: each worker pays for it (first for ', code(importer ?? ''), ')'];
    }
    case 'own-imports': {
      const { packages, selfSeconds } = change;
      const named = packages.slice(0, OWN_NAMED).flatMap(({ name }, index): Inline[] => [index === 0 ? '' : ', ', code(name)]);
      const more = packages.length > OWN_NAMED ? ` and ${packages.length - OWN_NAMED} more` : '';
      return [
        "move work out of the imports of the suite's own modules (",
        ...named,
        `${more}): ${inSeconds(selfSeconds)} in their own code`,
      ];
    }
    case 'fixture': {
      const { name, file, scope, count, seconds } = change.fixture;
      const often = scope === 'session' ? 'set up once by each worker' : `set up ${plural(count, 'time')}, ${inSeconds(seconds)} in total`;
      return [
        'make the fixture ',
        code(name),
        ' cheaper, in ',
        code(file),
        ` (${scope}, ${often})${scope === 'function' ? ', or widen its scope' : ''}`,
      ];
    }
    case 'longest':
      return ['shorten the longest piece, in ', code(change.file), ': it determines the end of the run'];
    case 'serial':
      return ['fix the tests marked to run alone, and remove the mark'];
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
      `A prediction by shardline's planner for agents like this machine (${plural(none, 'worker')} each). It uses the durations measured ${durationsFrom === 'pytest -n' ? 'under pytest -n' : 'in one process'}, and the time that ${costsFrom} took to start and end.`,
    ),
    ...table(
      ['agents', 'workers', 'predicted wall time', 'saved compared with half as many'],
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
      bars: rows.map(({ agents, seconds }) => bar(plural(agents, 'agent'), [{ part: 'predicted', seconds }])),
    },
    words(
      knee === null
        ? `Up to ${plural(last?.agents ?? 1, 'agent')}, each doubling saves ${inPercent(LEAST_GAIN)} or more.`
        : `By this prediction, ${enoughWords(knee)}.`,
      ` More agents cannot shorten: ${parts.join(', ')}`,
      code(floor.longest),
      '.',
    ),
    ...(check === null
      ? []
      : [
          words(
            `For the measured run the same prediction gives ${inSeconds(check.predictedSeconds)}; it took ${inSeconds(check.measuredSeconds)}: off by ${inPercent(offBy(check))}. The prediction assumes that tests are as fast there as where their durations were measured.`,
          ),
        ]),
  ];
}

/** The error of the prediction as a share of the measured time. */
export const offBy = ({ predictedSeconds, measuredSeconds }: NonNullable<NonNullable<Audit['prediction']>['check']>): number =>
  Math.abs(predictedSeconds - measuredSeconds) / measuredSeconds;

/** `more than 2 agents save less than 20 %`. */
export const enoughWords = (knee: number): string =>
  `more than ${plural(knee, 'agent')} ${knee === 1 ? 'saves' : 'save'} less than ${inPercent(LEAST_GAIN)}`;

/** If this many times as many xdist workers fit, memory does not limit their number. */
const FAR = 4;

export function memoryBlocks({ memory }: Audit): readonly Block[] {
  if (memory === null) return [];
  const { peakBytes, workers, memoryBytes, fitting, doAllFit, limitBytes } = memory;
  const all = `${plural(workers, 'worker')} with at most ${inBytes(peakBytes)} each use ${inBytes(workers * peakBytes)} of the ${inBytes(memoryBytes)} of this machine or container`;
  const fits = doAllFit
    ? fitting < FAR * workers
      ? `; ${plural(fitting, 'worker')} would fit.`
      : `: ${inBytes(memoryBytes - workers * peakBytes)} are free.`
    : ', which is too much: pass ';
  return [
    heading('Memory'),
    words(`${all}${fits}`, ...(doAllFit ? [] : [code(`-n ${fitting}`), '.'])),
    ...(limitBytes === null
      ? []
      : [
          words(
            'A worker grew to more than twice its memory after collection. ',
            code(`--max-worker-memory ${inMegabytes(limitBytes)}`),
            ' replaces a worker that uses more than that after a file.',
          ),
        ]),
  ];
}

/** Formats a size as options accept it. */
export const inMegabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)}MB`;

function ratingWords(report: Report): string {
  const { profile, totals } = report;
  if (totals.notRun > 0) return 'Not rated, because some tests did not run';
  return isWorthRating(report)
    ? `${profile.rating.charAt(0).toUpperCase()}${profile.rating.slice(1)}`
    : 'Not rated, because the run was short';
}

export function ratingBlocks(audit: Audit): readonly Block[] {
  if (audit.sharded === null) return [];
  const { profile, agents } = audit.sharded.report;
  const workers = agents.reduce((sum, each) => sum + each.workers, 0);
  const { parallel, sharded } = audit;
  const gain = parallel === null || parallel.isPartial ? null : parallel.seconds / sharded.seconds;
  return [
    heading('How efficient the run was'),
    words(
      `${ratingWords(audit.sharded.report)}: shardline took ${inSeconds(profile.makespanSeconds)} from the first shard to the last result; ${plural(workers, 'worker')} need at least ${inSeconds(profile.boundSeconds)} for this work (efficiency ${inPercent(profile.efficiency)}; excellent from 85 %, good from 70 %, fair from 50 %). Start and end took another ${inSeconds(Math.max(0, sharded.seconds - profile.makespanSeconds))}.`,
    ),
    ...(gain === null || gain >= 1 + NOISE
      ? []
      : [
          words(
            gain >= 1 - NOISE
              ? 'It was as fast as pytest -n on this one machine. shardline adds more machines, deadlines and a report that accounts for every test.'
              : 'pytest -n was faster on this one machine. shardline adds more machines, deadlines and a report that accounts for every test.',
          ),
        ]),
  ];
}
