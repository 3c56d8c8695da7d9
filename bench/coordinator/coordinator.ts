// Measures the cost of the coordinator's core: a run of 100,000 tests in 2,000 files through reduce, decide and merge, without Redis and
// pytest.
//
//   node bench/coordinator/coordinator.ts [--files 2000] [--tests 50] [--deadline SECONDS]
//
// Events arrive ten at a time, as from an agent's outbox under load. Prints the time of each part. Measured on two cores:
//
//   tests       files    reduce     decide     merge
//   100,000     2,000    220 ms     1,757 ms   380 ms    before decide had an index of the shards that are due
//   100,000     2,000    300 ms     43 ms      355 ms    since then, like the rows below
//   250,000     12,500   931 ms     256 ms     1,220 ms
//   500,000     25,000   2,177 ms   558 ms     1,794 ms
//   1,000,000   50,000   2,979 ms   833 ms     3,455 ms
//
// The parts of a run with a deadline, which decides anew what to admit at each end of a shard, for 100,000 tests in 2,000 files:
//
//   deadline                reduce     decide       merge
//   100,000 s, in time      383 ms     23,911 ms    340 ms    before files kept their measured seconds, with all tests read anew each time
//   300 s, late             368 ms     34,531 ms    378 ms
//   100,000 s, in time      233 ms     1,552 ms     374 ms    since then: each admission looks at the shards only
//   300 s, late             272 ms     2,082 ms     318 ms
//
// Without a deadline, from 12,500 to 50,000 files, the exponents are 0.84 (reduce), 0.85 (decide) and 0.75 (merge).

import { parseArgs } from 'node:util';
import { nextAttempt } from '../../coordinator/core/decide/attempt-request.ts';
import { decide } from '../../coordinator/core/decide/decide.ts';
import { merge } from '../../coordinator/core/result/merge.ts';
import { callsForDecision } from '../../coordinator/core/state/changes.ts';
import type { CoordinatorEvent } from '../../coordinator/core/state/events.ts';
import { reduce } from '../../coordinator/core/state/reduce.ts';
import { openRun } from '../../coordinator/core/state/run-state.ts';
import type { AttemptRequest } from '../../shared/domain/attempt.ts';
import { agentId } from '../../shared/domain/ids.ts';
import { collected, eventOf, finished, joined, opened, shardOf } from '../../test/unit/core/run-kit.ts';

const BATCH = 10;

const { values } = parseArgs({
  options: { files: { type: 'string', default: '2000' }, tests: { type: 'string', default: '50' }, deadline: { type: 'string' } },
});
const [files, tests] = [Number(values.files), Number(values.tests)];
const deadline = values.deadline === undefined ? null : { seconds: Number(values.deadline), reserveSeconds: 1 };

const agent = agentId('a1');
const shards = Array.from({ length: files }, (_, index) => shardOf(index + 1, [`tests/test_${index}.py`]));
const state = openRun(opened(shards, { deadline }));
reduce(state, joined(agent));

const spentMs = { reduce: 0, decide: 0, merge: 0 };
const timed = <Value>(part: keyof typeof spentMs, work: () => Value): Value => {
  const startedAt = performance.now();
  const value = work();
  spentMs[part] += performance.now() - startedAt;
  return value;
};

let now = 2000;
let batches = 0;
let isDecisionDue = true;
const queue: AttemptRequest[] = [];
const takeAll = (events: readonly CoordinatorEvent[]): void => {
  batches += 1;
  timed('reduce', () => {
    for (const event of events) if (callsForDecision(reduce(state, event))) isDecisionDue = true;
  });
  if (!isDecisionDue) return;
  isDecisionDue = false;
  for (const action of timed('decide', () => decide(state))) {
    const request = action.kind === 'start-attempt' ? nextAttempt(state, action.shard, action.role) : null;
    if (request !== null) queue.push(request);
    reduce(state, eventOf(state, action, now));
  }
};

takeAll([]);
for (let request = queue.shift(); request !== undefined; request = queue.shift()) {
  const events = tellingsOf(request);
  for (let from = 0; from < events.length; from += BATCH) takeAll(events.slice(from, from + BATCH));
  now += 10;
}
if (state.closed?.why.kind !== 'done') throw new Error('the run did not close as done');
const report = timed('merge', () => merge(state, { finishedAt: now, mergeSeconds: 0 }));

console.log(`${report.totals.passed} tests of ${files} files in ${batches} batches`);
for (const [part, ms] of Object.entries(spentMs)) console.log(`${part}: ${ms.toFixed(0)} ms`);

function tellingsOf({ id: attempt, shard, fence, role, selectors }: AttemptRequest): readonly CoordinatorEvent[] {
  const about = { agent, attempt, shard };
  const told = selectors.flatMap(({ file }) => {
    const ids = Array.from({ length: tests }, (_, index) => `${file}::test_${index}`);
    return [collected(file, ids, 0.1), ...ids.map((id) => finished(id, 'passed', { seconds: 0.01 }))];
  });
  return [
    { kind: 'attempt-started', at: now, ...about, fence, role },
    ...told.map((event) => ({ kind: 'attempt-reported', ...about, event }) as const),
    { kind: 'attempt-ended', at: now, ...about, ending: { kind: 'finished' }, seconds: 1 },
  ];
}
