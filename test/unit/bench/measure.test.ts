// What a measurement keeps when it is interrupted, with commands that only pretend to run.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Command, Used } from '../../../bench/published/command.ts';
import { type Measuring, measureSuite } from '../../../bench/published/measure.ts';
import { outcomeOf } from '../../../bench/published/parity.ts';
import { OWN, type Peer, peersWith, REFERENCE } from '../../../bench/published/peers.ts';
import type { SuiteResults } from '../../../bench/published/results.ts';
import type { PublishedSuite } from '../../../bench/published/suites.ts';

const all = peersWith(2);
const named = (name: string): Peer => {
  const peer = all.find((each) => each.name === name);
  if (peer === undefined) throw new Error(`no peer ${name}`);
  return peer;
};
const suite: PublishedSuite = {
  name: 'pretended',
  title: 'one file',
  isGenerated: true,
  async make(directory) {
    await mkdir(directory, { recursive: true });
    return { workspace: directory, paths: ['tests'], options: [] };
  },
};
const nothing: SuiteResults = { name: 'pretended', title: 'one file', size: '', isReduced: false, observed: {}, rounds: [] };

/** Measures until `commands` have run, and returns the last state that was kept and the peers of the commands that ran. */
async function measured(kept: SuiteResults, commands: number, peers: readonly Peer[]): Promise<{ kept: SuiteResults; ran: string[] }> {
  const ran: string[] = [];
  let last = kept;
  const measuring: Measuring = {
    environments: { python: 'python', installed: {}, bin: ({ name }) => name },
    peers,
    plain: named('pytest'),
    caches: ['cold', 'warm'],
    rounds: 2,
    size: { tests: 1, scale: 1 },
    limitSeconds: 1,
    say: () => {},
    async run(command) {
      if (ran.length === commands) throw new Error('killed');
      ran.push(command.bin);
      return pretend(command);
    },
    async keep(results) {
      last = results;
    },
  };
  await measureSuite(suite, kept, measuring).catch((error: Error) => expect(error.message).toBe('killed'));
  return { kept: last, ran };
}

/** A command that leaves a cache, and writes the outcomes for which it is asked. */
async function pretend({ env, cwd, watchesMemory }: Command): Promise<Used> {
  const cache = join(cwd, '.pytest_cache');
  const isWarm = await readFile(join(cache, 'mark')).then(
    () => true,
    () => false,
  );
  await mkdir(cache, { recursive: true });
  await writeFile(join(cache, 'mark'), '');
  if (env?.RECORD_OUTCOMES !== undefined) await writeFile(env.RECORD_OUTCOMES, '{"outcomes": {"test_a": "passed"}}');
  return { seconds: isWarm ? 1 : 5, cpuSeconds: 1, peakBytes: watchesMemory ? 7 : null, firstFailureSeconds: null, failed: null };
}

const two = [named(REFERENCE), named('xdist-loadfile')];

test('observes each command, then times cold and warm rounds whose first command changes', async () => {
  const { kept, ran } = await measured(nothing, 100, two);
  const [first, second] = [REFERENCE, 'xdist-loadfile'];
  expect(ran).toEqual([
    ...['pytest', first, second],
    ...[first, second, second, first],
    // Warming up.
    ...[first, second],
    ...[first, second, second, first],
  ]);
  expect(kept.rounds.map(({ cache, samples }) => [cache, samples[first]])).toEqual([
    ['cold', expect.objectContaining({ seconds: 5 })],
    ['cold', expect.objectContaining({ seconds: 5 })],
    ['warm', expect.objectContaining({ seconds: 1 })],
    ['warm', expect.objectContaining({ seconds: 1 })],
  ]);
  expect(kept.observed[first]).toEqual({ peakBytes: 7, tests: 1, differing: 0, examples: [], failed: null });
});

test('a killed measurement keeps its finished rounds and measures only the others again', async () => {
  // Three observations, a cold round, and one command of the next.
  const killed = await measured(nothing, 6, two);
  expect(killed.kept.rounds).toHaveLength(1);
  const resumed = await measured(killed.kept, 100, two);
  expect(resumed.kept.rounds.map(({ cache }) => cache)).toEqual(['cold', 'cold', 'warm', 'warm']);
  expect(resumed.kept.rounds[0]).toEqual(killed.kept.rounds[0]);
  expect(resumed.ran).toHaveLength(2 + 2 + 4);
});

test('measures rounds again that lack a peer, and keeps its observations of the others', async () => {
  const { kept } = await measured(nothing, 100, two);
  const more = await measured(kept, 100, [...two, named('xdist-worksteal')]);
  expect(more.ran.slice(0, 2)).toEqual(['pytest', 'xdist-worksteal']);
  expect(more.kept.rounds).toHaveLength(4);
  expect(more.kept.rounds.every(({ samples }) => samples['xdist-worksteal'] !== undefined)).toBe(true);
});

test('a command that writes no outcomes has unknown parity', async () => {
  const { kept } = await measured(nothing, 2, [named(OWN)]);
  expect(kept.observed[OWN]?.failed).toBe('wrote no outcomes');
});

test.each([
  [{ setup: 'passed', call: 'passed', teardown: 'passed' }, 'passed'],
  [{ setup: 'passed', call: 'failed', teardown: 'failed' }, 'failed'],
  [{ setup: 'failed', teardown: 'passed' }, 'error'],
  [{ setup: 'passed', call: 'passed', teardown: 'failed' }, 'error'],
  [{ setup: 'skipped', teardown: 'passed' }, 'skipped'],
  [{ setup: 'passed', call: 'skipped', teardown: 'passed', wasxfail: true }, 'xfailed'],
  [{ setup: 'passed', call: 'passed', teardown: 'passed', wasxfail: true }, 'xpassed'],
])('counts the phases %j of rstest as %s', (phases, outcome) => {
  expect(outcomeOf(phases)).toBe(outcome);
});
