// Inputs that once broke something. The fuzzer prints the smallest input of a fault: add it here.

import { batches, log, signedBatches } from './samples.ts';

export interface Kept {
  /** What went wrong. */
  readonly what: string;
  readonly codec: string;
  readonly text: () => string;
  /** Whether the codec may take it. */
  readonly isRead: boolean;
}

type Body = Record<string, unknown>;

/** The text with another body. */
const withBody = (text: string, body: string): string => JSON.stringify({ ...JSON.parse(text), body });

/** The run log with changes in each record of this kind. */
const logWith = (kind: string, changes: Body): string =>
  log
    .map((line) => {
      const body = JSON.parse((JSON.parse(line) as { body: string }).body) as Body;
      return `${body.kind === kind ? withBody(line, JSON.stringify({ ...body, ...changes })) : line}\n`;
    })
    .join('');

const batch = batches[0] ?? '';
const collected = (nodeids: readonly string[]): string => {
  const event = { kind: 'collected', at: 1, file: 'test_a.py', nodeids, serial: [], seconds: 1, worker: 'gw0' };
  return JSON.stringify([{ kind: 'attempt-reported', agent: 'a1', attempt: 's1.1', shard: 's1', event }]);
};
const plugins = Object.fromEntries(Array.from({ length: 400_000 }, (_, index) => [`k${index}`, 1]));

export const kept: readonly Kept[] = [
  {
    what: 'a start after the year 9999 made a report that shardline did not read',
    codec: 'run log',
    text: () => logWith('run-opened', { startedAt: 1e300 }),
    isRead: true,
  },
  {
    what: 'a clock far behind made a report that shardline did not read',
    codec: 'run log',
    text: () => logWith('stream-read', { aheadMs: 1e300 }),
    isRead: true,
  },
  ...(['run-opened', 'attempt-enqueued', 'run-closed'] as const).flatMap((kind) =>
    [1.7e308, -1.7e308].map((at) => ({
      what: `${kind} at ${at} ms made a report that shardline did not read`,
      codec: 'run log',
      text: () => logWith(kind, { at }),
      isRead: true,
    })),
  ),
  {
    what: 'a batch of 2,000,000 empty objects ended the coordinator',
    codec: 'entry of the stream',
    text: () => withBody(batch, `[${'{},'.repeat(2_000_000)}{}]`),
    isRead: true,
  },
  {
    what: 'a batch of 4,000,000 numbers took 3 GB',
    codec: 'batch of events',
    text: () => withBody(batch, `[${'1,'.repeat(4_000_000)}1]`),
    isRead: false,
  },
  {
    what: '800,000 wrong node ids ended the coordinator',
    codec: 'batch of events',
    text: () => withBody(batch, collected(Array(800_000).fill('../x.py'))),
    isRead: false,
  },
  {
    what: '400,000 wrong versions of plugins ended the coordinator',
    codec: 'batch of events',
    text: () => {
      const fingerprint = { files: null, python: { python: '', platform: '', plugins, packages: {}, packagesDigest: '' } };
      return withBody(batch, JSON.stringify([{ kind: 'agent-joined', at: 1, agent: { id: 'a1', fingerprint } }]));
    },
    isRead: false,
  },
  {
    what: 'a signature over U+FFFD was also one over half of a surrogate pair',
    codec: 'signed batch of events',
    text: () => (signedBatches.find((text) => text.includes('\ufffd')) ?? '').replace('\ufffd', '\\ud800'),
    isRead: false,
  },
];
