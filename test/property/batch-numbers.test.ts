// Numbers of signed batches: whatever is deleted or stored again, a run with a message missing is never green, and nothing else alarms.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isRepeated } from '../../coordinator/core/state/agents/batch-numbers.ts';
import type { CoordinatorEvent } from '../../coordinator/core/state/events.ts';
import { reduce } from '../../coordinator/core/state/reduce.ts';
import { openRun } from '../../coordinator/core/state/run-state.ts';
import { type AgentId, agentId } from '../../shared/domain/ids.ts';
import {
  a1,
  closedDone,
  collected,
  ended,
  enqueued,
  finished,
  joined,
  left,
  opened,
  reported,
  reportOf,
  shardOf,
  started,
} from '../unit/core/run-kit.ts';

const run = opened([shardOf(1, ['test_a.py'])]);
const green = [
  joined(a1),
  enqueued(1),
  started(a1, 1),
  reported(a1, 1, 1, collected('test_a.py', ['test_a.py::test_x'])),
  reported(a1, 1, 1, finished('test_a.py::test_x', 'passed')),
  ended(a1, 1),
  left(a1),
  closedDone(),
];

interface Sent {
  readonly agent: AgentId;
  readonly seq: number;
}

const read = (from: Sent): CoordinatorEvent => ({ kind: 'stream-read', at: 3000, position: `${from.seq}-0`, aheadMs: 0, from });

/** What a coordinator makes of these batches, in this order. */
function numbered(stream: readonly Sent[]) {
  const state = openRun(run);
  const repeated: Sent[] = [];
  for (const from of stream) {
    if (isRepeated(state, from)) repeated.push(from);
    else reduce(state, JSON.parse(JSON.stringify(read(from))));
  }
  for (const event of green) reduce(state, event);
  return { report: reportOf(state), repeated };
}

/** Whether each batch of an agent is kept, deleted, or stored again. Agents take turns at random. */
const streams = fc
  .array(fc.record({ agent: fc.constantFrom('a1', 'a2', 'a3'), fate: fc.constantFrom('kept', 'kept', 'kept', 'deleted', 'again') }), {
    maxLength: 40,
  })
  .map((turns) => {
    const counts = new Map<string, number>();
    return turns.map(({ agent, fate }) => {
      const seq = (counts.get(agent) ?? 0) + 1;
      counts.set(agent, seq);
      return { agent: agentId(agent), seq, fate };
    });
  });

test('counts exactly the deleted batches that a later one of their agent follows, and is green exactly without one', () => {
  fc.assert(
    fc.property(streams, (sent) => {
      const { report, repeated } = numbered(
        sent.flatMap(({ agent, seq, fate }) =>
          fate === 'deleted'
            ? []
            : fate === 'again'
              ? [
                  { agent, seq },
                  { agent, seq },
                ]
              : [{ agent, seq }],
        ),
      );
      const lastOf = (agent: AgentId): number =>
        Math.max(0, ...sent.filter((each) => each.agent === agent && each.fate !== 'deleted').map(({ seq }) => seq));
      const missing = sent.filter(({ agent, seq, fate }) => fate === 'deleted' && seq < lastOf(agent));
      expect(report.missingMessages.reduce((sum, { messages }) => sum + messages, 0)).toBe(missing.length);
      expect(new Set(report.missingMessages.map(({ agent }) => agent))).toEqual(new Set(missing.map(({ agent }) => agent)));
      expect(report.exitCode).toBe(missing.length === 0 ? 0 : 11);
      expect(repeated).toEqual(sent.filter(({ fate }) => fate === 'again').map(({ agent, seq }) => ({ agent, seq })));
    }),
  );
});

test('a deleted batch that is stored again later stays missing, and is a repeated one', () => {
  const { report, repeated } = numbered([1, 3, 2].map((seq) => ({ agent: a1, seq })));
  expect(report).toMatchObject({ exitCode: 11, missingMessages: [{ agent: a1, messages: 1 }] });
  expect(repeated).toEqual([{ agent: a1, seq: 2 }]);
});

test('a run that requires signatures only since it was resumed misses nothing of what it read before', () => {
  const state = openRun(run);
  const unnumbered = (seq: number): CoordinatorEvent => ({ kind: 'stream-read', at: 3000, position: `${seq}-0`, aheadMs: 0 });
  reduce(state, joined(a1));
  for (const seq of [1, 2, 3]) reduce(state, unnumbered(seq));
  reduce(state, { kind: 'run-resumed', at: 4000 });
  for (const seq of [4, 5, 7]) reduce(state, read({ agent: a1, seq }));
  expect(isRepeated(state, { agent: a1, seq: 4 })).toBe(true);
  // An agent that joins later is counted from its first batch.
  reduce(state, joined(agentId('a2')));
  reduce(state, read({ agent: agentId('a2'), seq: 2 }));
  for (const event of green) reduce(state, event);
  expect(reportOf(state).missingMessages).toEqual([
    { agent: 'a1', messages: 1 },
    { agent: 'a2', messages: 1 },
  ]);
});

test('a run that required signatures before it was resumed goes on counting', () => {
  const state = openRun(run);
  reduce(state, joined(a1));
  reduce(state, read({ agent: a1, seq: 1 }));
  reduce(state, { kind: 'run-resumed', at: 4000 });
  reduce(state, read({ agent: a1, seq: 3 }));
  expect(state.numbers.get(a1)).toEqual({ last: 3, missing: 1 });
});

test('batches that are read again because Redis has lost data are not repeated, and not missing', () => {
  const state = openRun(run);
  for (const seq of [1, 2, 3]) reduce(state, read({ agent: a1, seq }));
  reduce(state, { kind: 'redis-emptied', at: 4000, isMissing: false });
  for (const seq of [1, 2, 3, 4]) {
    expect(isRepeated(state, { agent: a1, seq })).toBe(false);
    reduce(state, read({ agent: a1, seq }));
  }
  for (const event of green) reduce(state, event);
  expect(reportOf(state).missingMessages).toEqual([]);
});
