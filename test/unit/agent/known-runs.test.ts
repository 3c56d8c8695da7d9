// What an agent remembers of the runs of its pool.

import { expect, test } from 'vitest';
import { GONE_KEPT, knownRuns } from '../../../agent/redis/known-runs.ts';
import { runId } from '../../../shared/domain/ids.ts';

const [one, two] = [runId('one'), runId('two')];

test('reports a run that it cannot read once for each text, and again after the run was gone', () => {
  const known = knownRuns();
  expect([known.isNews(one, 'a'), known.isNews(one, 'a'), known.isNews(two, 'a'), known.isNews(one, 'b')]).toEqual([
    true,
    false,
    true,
    true,
  ]);
  known.forget({ one: 'b', two: 'a' });
  expect([known.isNews(one, 'b'), known.isNews(two, 'a')]).toEqual([false, false]);
  known.forget({ one: 'b' });
  expect([known.isNews(one, 'b'), known.isNews(two, 'a')]).toEqual([false, true]);
});

test('does not join a run again that Redis lost for a while', () => {
  const known = knownRuns();
  known.serve(one);
  known.forget({});
  expect(known.isServed(one)).toBe(true);
});

test('remembers a limited number of runs, and each that is announced', () => {
  const known = knownRuns();
  known.serve(one);
  for (let index = 0; index < 5000; index += 1) {
    const run = runId(`run-${index}`);
    known.isNews(run, 'x'.repeat(1000));
    known.serve(run);
    known.forget({ one: '', [run]: '' });
  }
  expect(known.isServed(one)).toBe(true);
  known.forget({ one: '' });
  expect(known.size()).toBe(GONE_KEPT + 1);
});
