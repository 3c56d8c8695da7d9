// Plays the first seeds; `npm run simulate` plays as many as you like.

import { expect, test } from 'vitest';
import { problemsOf } from './check.ts';
import { play } from './play.ts';
import { needyScenarioOf, scenarioOf, sharedNeedyScenarioOf, sharedScenarioOf } from './scenario.ts';
import { shrink } from './shrink.ts';

const SEEDS = 150;
/** How many of them are played twice. */
const REPEATED = 20;

test(`the first ${SEEDS} seeds keep every rule and end in every way that a run can end`, async () => {
  const verdicts = new Set<string | undefined>();
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const scenario = scenarioOf(seed);
    const played = await play(scenario);
    verdicts.add(played.ended[0]?.report.verdict);
    if (problemsOf(played).length > 0) expect({ seed, ...(await shrink(scenario)) }).toBeNull();
  }
  for (const verdict of ['passed', 'failed', 'deadline', 'incomplete', 'interrupted']) expect(verdicts).toContain(verdict);
});

/** Each of these seeds has tests with resources, and some of them kill or disconnect the agents that hold some. */
const NEEDY_SEEDS = 60;

test(`in ${NEEDY_SEEDS} seeds with labels and resources, no resource is ever in use more often than its limit`, async () => {
  let [uses, kills] = [0, 0];
  for (let seed = 1; seed <= NEEDY_SEEDS; seed += 1) {
    const scenario = needyScenarioOf(seed);
    const played = await play(scenario);
    uses += played.uses;
    kills += scenario.faults.filter(({ kind }) => kind === 'kill').length;
    if (problemsOf(played).length > 0) expect({ seed, ...(await shrink(scenario)) }).toBeNull();
  }
  expect(uses).toBeGreaterThan(NEEDY_SEEDS);
  expect(kills).toBeGreaterThan(NEEDY_SEEDS / 6);
});

const SHARED_SEEDS = 100;

test(`in ${SHARED_SEEDS} seeds with two runs on the same agents, both keep every rule, and no agent runs more tests than it has workers`, async () => {
  const verdicts = new Set<string | undefined>();
  let overlaps = 0;
  for (let seed = 1; seed <= SHARED_SEEDS; seed += 1) {
    const scenario = sharedScenarioOf(seed);
    const played = await play(scenario);
    const [first, second] = [played.ended.at(-1), played.second?.ended.at(-1)];
    verdicts.add(second?.report.verdict);
    if (first !== undefined && second !== undefined && second.opening.at < first.endedAt && first.opening.at < second.endedAt)
      overlaps += 1;
    if (problemsOf(played).length > 0) expect({ seed, ...(await shrink(scenario)) }).toBeNull();
  }
  for (const verdict of ['passed', 'failed', 'interrupted']) expect(verdicts).toContain(verdict);
  expect(overlaps).toBeGreaterThan(SHARED_SEEDS / 2);
});

const SHARED_NEEDY_SEEDS = 40;

test(`in ${SHARED_NEEDY_SEEDS} seeds with two runs of one pool, no resource is ever in use more often than its limit`, async () => {
  let both = 0;
  for (let seed = 1; seed <= SHARED_NEEDY_SEEDS; seed += 1) {
    const scenario = sharedNeedyScenarioOf(seed);
    const played = await play(scenario);
    if (played.uses > 0 && (played.second?.uses ?? 0) > 0) both += 1;
    if (problemsOf(played).length > 0) expect({ seed, ...(await shrink(scenario)) }).toBeNull();
  }
  expect(both).toBeGreaterThan(SHARED_NEEDY_SEEDS / 2);
});

test('a seed repeats the same run byte for byte', async () => {
  for (let seed = 1; seed <= REPEATED; seed += 1) {
    const [first, second] = [await play(scenarioOf(seed)), await play(scenarioOf(seed))];
    expect(second.log.join('\n')).toBe(first.log.join('\n'));
    expect(JSON.stringify(second.ended.map(({ report }) => report))).toBe(JSON.stringify(first.ended.map(({ report }) => report)));
  }
});
