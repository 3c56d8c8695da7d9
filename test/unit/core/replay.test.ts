import { expect, test } from 'vitest';
import type { CoordinatorEvent } from '../../../coordinator/core/state/events.ts';
import { beginReplay, type Recorded } from '../../../coordinator/core/state/replay.ts';
import { a1, collected, enqueued, finished, joined, opened, reported, reportOf, shardOf, started, stateAfter, tick } from './run-kit.ts';

const opening = opened([shardOf(1, ['test_a.py'])]);
const read = (position: string): CoordinatorEvent => ({ kind: 'stream-read', at: 3000, position, aheadMs: 0 });
const events: readonly CoordinatorEvent[] = [
  opening,
  enqueued(1),
  joined(a1),
  read('5-0'),
  started(a1, 1),
  reported(a1, 1, 1, collected('test_a.py', ['test_a.py::test_x', 'test_a.py::test_y'])),
  tick(2500),
  reported(a1, 1, 1, finished('test_a.py::test_x')),
];

function replay(recorded: readonly CoordinatorEvent[]): Recorded | null {
  const [first] = recorded;
  const begun = first === undefined ? null : beginReplay(first);
  for (const event of recorded) begun?.take(event);
  return begun?.recorded() ?? null;
}

test('rebuilds the state and the stream position from the record', () => {
  const recorded = replay(events);
  expect(recorded).toMatchObject({ position: '5-0', resumes: 0 });
  expect(recorded && reportOf(recorded.state)).toEqual(reportOf(stateAfter(opening, ...events.slice(1))));
});

test('resets the stream position when Redis has lost the stream, and when the run restarts', () => {
  const emptied = (isMissing: boolean): CoordinatorEvent => ({ kind: 'redis-emptied', at: 3000, isMissing });
  expect(replay([...events, emptied(true)])).toMatchObject({ position: '0' });
  expect(replay([...events, emptied(false)])).toMatchObject({ position: '5-0' });
  expect(replay([...events, { kind: 'run-restarted', at: 3000, opening }])).toMatchObject({ position: '0' });
});

test('counts resumes, and does not count time without a coordinator as time without an agent', () => {
  const recorded = replay([opening, tick(2000), { kind: 'run-resumed', at: 900_000 }]);
  expect(recorded).toMatchObject({ resumes: 1, state: { aloneSince: 900_000 } });
});

test('rejects a record that does not begin with an opening', () => {
  expect(replay([])).toBeNull();
  expect(replay(events.slice(1))).toBeNull();
});
