// Assembles the whole audit, from its summary to how it was made, and the few lines of it for the terminal.

import { oneLine, plural } from '../../../shared/text/safe-text.ts';
import { inBytes, inMinutes, inPercent, inSeconds, isWorthRating } from '../../reporters/summary/profile-text.ts';
import type { Block, Inline } from '../../web/audit-data.ts';
import type { Audit } from '../core/audit.ts';
import { changeBlocks, enoughWords, memoryBlocks, offBy, predictionBlocks, ratingBlocks } from './advice.ts';
import { code, heading, words } from './blocks.ts';
import { commandBlocks } from './ci-commands.ts';
import { measuredBlocks, slowBlocks, waysOf } from './measured.ts';
import { suspectBlocks } from './suspects.ts';
import { worthOf } from './worth.ts';

export function auditTitle({ what }: Audit): string {
  const names = what.filter((word) => word !== '--selected').join(' ');
  return `Audit of ${names === '' ? 'the suite' : names}`;
}

export function auditBlocks(audit: Audit): readonly Block[] {
  const { finishedAt, machine } = audit;
  return [
    heading(auditTitle(audit), 1),
    words(
      `By shardline, ${finishedAt.slice(0, 16).replace('T', ' ')} UTC, on ${plural(machine.cpus, 'processor')} with ${inBytes(machine.memoryBytes)} of memory.`,
    ),
    { kind: 'list', items: summary(audit).map((line) => [line]) },
    ...measuredBlocks(audit),
    ...changeBlocks(audit),
    ...ratingBlocks(audit),
    ...predictionBlocks(audit),
    ...slowBlocks(audit),
    ...suspectBlocks(audit),
    ...memoryBlocks(audit),
    ...commandBlocks(audit),
    heading('How this was measured'),
    { kind: 'list', items: method(audit) },
  ];
}

/** The most important results, one sentence each. */
export function summary(audit: Audit): readonly string[] {
  const { suspects, prediction, changes, sharded, alwaysFailing, problems } = audit;
  const ways = waysOf(audit).map(({ name, seconds, isPartial }) => `${name} ${inSeconds(seconds)}${isPartial ? ' (cut off)' : ''}`);
  const confirmed = suspects.filter(({ kind }) => kind === 'parallel').length;
  const last = prediction?.rows.find(({ agents }) => agents === prediction.knee) ?? prediction?.rows.at(-1);
  const check = prediction?.check ?? null;
  const first = changes.find(({ kind }) => kind !== 'adopt' && kind !== 'agents');
  const worth = worthOf(audit);
  return [
    ...(worth === null ? [] : [worth.verdict]),
    ...(ways.length === 0 ? [] : [`measured: ${ways.join(', ')}`]),
    ...(sharded === null || !isWorthRating(sharded.report) ? [] : [`rating: ${sharded.report.profile.rating}`]),
    ...(last === undefined
      ? []
      : [
          `predicted: ${inSeconds(last.seconds)} with ${plural(last.agents, 'agent')} of ${plural(last.workers / last.agents, 'worker')}${prediction?.knee === null ? '' : `; ${enoughWords(last.agents)}`}${check === null ? '' : ` (off by ${inPercent(offBy(check))} for the measured run)`}`,
        ]),
    ...(first === undefined
      ? []
      : [`first thing to change in the suite: ${nameOf(first)}, saves at most ${inSeconds(first.seconds)} (predicted)`]),
    `isolation: ${plural(confirmed, 'test')} that ${verb(confirmed, 'fail')} only in parallel, ${suspects.length - confirmed} that ${verb(suspects.length - confirmed, 'differ')} otherwise`,
    ...(alwaysFailing.length === 0 ? [] : [`failing everywhere: ${plural(alwaysFailing.length, 'test')}`]),
    ...problems,
  ];
}

const verb = (count: number, word: string): string => (count === 1 ? `${word}s` : word);

function nameOf(change: Audit['changes'][number]): string {
  switch (change.kind) {
    case 'import':
      return `importing ${oneLine(change.imported.name)}`;
    case 'own-imports':
      return "importing the suite's own modules";
    case 'fixture':
      return `fixture ${oneLine(change.fixture.name)}`;
    case 'longest':
      return `the longest piece, in ${oneLine(change.file)}`;
    case 'serial':
      return 'tests that run alone';
    default:
      return '';
  }
}

function method({ sharded, sequential, limitSeconds, executions }: Audit): readonly (readonly Inline[])[] {
  const hows = executions.map(({ how }) => how).join('; ');
  return [
    ['Each way ran once, on a machine that may have had other work: ignore differences of a few per cent.'],
    [
      'Wall times run from the start of the command to its end. The audit collected the suite once before, so none of them includes compiling its modules.',
    ],
    [
      'pytest ran with its own configuration and a plugin that only measures. The audit set ',
      code('-n'),
      ', ',
      code('--maxfail'),
      ' and the cache directory.',
    ],
    ...(sharded === null
      ? []
      : [
          [
            'shardline ran as it does from the second run on: ',
            ...(sequential === null ? ['it knew the test durations of pytest -n.'] : ['it knew the test durations of the serial run.']),
          ],
        ]),
    [`Compared executions: ${hows || 'none'}. Each measurement was limited to ${inMinutes(limitSeconds)} (--step-limit).`],
    [
      'CPU is the processor time of the workers and of the processes they waited for, divided by the number of workers and the wall time. Memory is the resident memory of the largest worker; for shardline, the mean of the peaks of all workers.',
    ],
  ];
}
