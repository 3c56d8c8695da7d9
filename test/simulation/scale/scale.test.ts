// Plays small runs of every scenario at scale: the schedule and the account of tests, not the cost.

import { expect, test } from 'vitest';
import { playAtScale } from './play.ts';
import { scaleScenarios, testOf, truthAtScale } from './scenario.ts';

const SIZE = { tests: 2000, files: 200, agents: 20, workers: 1, seed: 1 };

test.each(scaleScenarios.map((scenario) => [scenario.name, scenario] as const))('accounts for every test once: %s', async (_, scenario) => {
  const truth = truthAtScale(scenario, SIZE);
  const { report, makespanSeconds, boundSeconds, waste } = await playAtScale(truth);
  expect(report.verdict).toBe('passed');
  expect(report.totals).toMatchObject({ passed: SIZE.tests, notRun: 0 });
  const expected = truth.files.flatMap(({ name, tests }) => tests.map((__, index) => testOf(name, index)));
  expect(report.tests.map(({ nodeid }) => nodeid).sort()).toEqual(expected.sort());
  expect(makespanSeconds).toBeGreaterThan(boundSeconds * 0.999);
  expect(waste.lostSeconds).toBeGreaterThan(-0.001);
  expect(waste.duplicatedSeconds).toBeGreaterThan(-0.001);
});

test.each([1, 2, 3])('takes no longer than static parts if half of the machines are half as fast: seed %i', async (seed) => {
  const scenario = scaleScenarios.find(({ name }) => name === 'slow-machines');
  if (scenario === undefined) throw new Error('no such scenario');
  const { makespanSeconds, staticParts } = await playAtScale(truthAtScale(scenario, { ...SIZE, seed }));
  expect(makespanSeconds).toBeLessThanOrEqual(staticParts.makespanSeconds);
});

test('a seed repeats the same run', async () => {
  const [scenario = scaleScenarios[0]] = scaleScenarios.filter(({ name }) => name === 'deaths');
  if (scenario === undefined) throw new Error('no such scenario');
  const [first, second] = [await playAtScale(truthAtScale(scenario, SIZE)), await playAtScale(truthAtScale(scenario, SIZE))];
  expect(second.makespanSeconds).toBe(first.makespanSeconds);
  expect(second.events).toBe(first.events);
});
