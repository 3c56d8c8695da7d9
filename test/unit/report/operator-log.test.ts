// The coordinator's lines in the log for operators.

import { expect, test } from 'vitest';
import { operatorLog } from '../../../coordinator/reporters/operator-log.ts';
import { replayRun } from '../../../coordinator/reporters/reporter.ts';
import { recordingLog } from '../../support/recording-log.ts';
import {
  a1,
  closedDone,
  collected,
  ended,
  enqueued,
  givenUp,
  joined,
  lost,
  opened,
  reported,
  shardOf,
  started,
  tick,
} from '../core/run-kit.ts';

test('logs what the coordinator decides and notices, with ids, and no line for what changes no state', async () => {
  const { log, lines } = recordingLog();
  const opening = opened([shardOf(1, ['a.py']), shardOf(2, ['b.py'])]);
  const events = [
    opening,
    joined(a1),
    enqueued(1),
    started(a1, 1),
    reported(a1, 1, 1, collected('a.py', ['a.py::t'])),
    ended(a1, 1),
    tick(4000),
    givenUp(2),
    lost(a1),
    closedDone(),
  ];
  await replayRun([operatorLog(log)], events);
  const run = opening.spec.runId;
  expect(lines.map(([level, phrase]) => `${level}: ${phrase}`)).toEqual([
    'info: run opened',
    'info: agent joined',
    'debug: attempt enqueued',
    'debug: attempt started',
    'debug: attempt ended',
    'warn: shard given up',
    'warn: agent lost',
    'info: run closed',
  ]);
  expect(lines.map(([, , fields]) => fields)).toEqual(lines.map(() => expect.objectContaining({ run })));
  expect(lines.find(([, phrase]) => phrase === 'attempt started')?.[2]).toMatchObject({ agent: 'a1', shard: 's1', attempt: 's1.1' });
});
