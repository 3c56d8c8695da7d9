// The page of the published benchmark, rendered from kept numbers.

import { fileURLToPath } from 'node:url';
import { XMLValidator } from 'fast-xml-parser';
import { expect, test } from 'vitest';
import { renderPage } from '../../../bench/published/page.ts';
import { type Results, readResults } from '../../../bench/published/results.ts';
import { judge, type Target, targets } from '../../../bench/published/targets.ts';

const kept = await readResults(fileURLToPath(new URL('results.json', import.meta.url)));
if (kept === null) throw new Error('the kept numbers are missing');
const results: Results = kept;
const offered = { suites: ['trivial', 'tiny', 'skewed', 'failing', 'networkx'], peers: ['pytest', ...Object.keys(results.peers)] };
const { markdown, pictures } = renderPage(results, offered);

const stateOf = (suite: string): string | undefined =>
  targets.filter((target: Target) => 'suite' in target && target.suite === suite).map((target) => judge(results, target, offered).state)[0];
const lineWith = (text: string): string => markdown.split('\n').find((line) => line.includes(text)) ?? '';
const linesOf = (peer: string): readonly string[] => markdown.split('\n').filter((line) => line.startsWith(`| ${peer} |`));

test('shows the median of paired ratios with its quartiles, and the outcomes beside it', () => {
  // The ratios are 14 / 20 and 30 / 40; the ratio of the medians would be 22 / 30.
  expect(linesOf('**shardline**')).toContainEqual(
    '| **shardline** | 0.72 [0.71–0.74] | all 100 as pytest | 22.00 [18.00–26.00] | 28.00 [28.00–28.00] | 100 MB |',
  );
});

test('brackets a ratio without parity, names the tests that differ, and says why a command failed in other rounds', () => {
  expect(linesOf('rstest')).toContainEqual(
    '| rstest | (0.75 [0.75–0.75]); in other rounds: exit code 3: Error | 2 of 99 differ | 15.00 [15.00–15.00] | 25.00 [25.00–25.00] | 100 MB |',
  );
  expect(markdown).toContain('- `t.py::a: pytest passed, here failed`');
  expect(linesOf('**shardline**')).toContainEqual(expect.stringContaining('| (0.75 [0.75–0.75]) | unknown: exit code 3: Error |'));
});

test('says which target is met, missed or open, and why', () => {
  expect(stateOf('trivial')).toBe('met');
  expect(stateOf('networkx')).toBe('missed');
  expect(stateOf('failing')).toBe('missed');
  expect(stateOf('pandas')).toBe('open');
  expect(lineWith('`trivial`: at most 1.00')).toContain('| met | cold 0.90: 0.90 s against 1.00 s, CPU 1.10 s against 1.20 s<br>warm 0.90');
  expect(lineWith('reports the first failure')).toContain('| **missed** | cold 0.70 s<br>warm 0.70 s |');
});

test('a suite that was measured at a smaller size leaves its target open', () => {
  const suites = results.suites.map((suite) => ({ ...suite, isReduced: true }));
  const judged = targets.filter(({ kind }) => kind === 'ratio').map((target) => judge({ ...results, suites }, target, offered));
  expect(judged.map(({ state }) => state)).toEqual(judged.map(() => 'open'));
  expect(lineWith('`tiny`: at most')).toContain('measured at a smaller size: 200 tests');
});

test.each([
  [{ differing: 1, failed: null }, 'missed', "1 of 1 outcomes differ from pytest's"],
  [{ differing: 0, failed: 'exit code 3: Error' }, 'open', 'outcomes unknown: exit code 3: Error'],
])('a target is not met by a time without parity: %j', (observed, state, why) => {
  const suites = results.suites.map((suite) => {
    const own = suite.observed.shardline;
    return own === undefined ? suite : { ...suite, observed: { ...suite.observed, shardline: { ...own, ...observed } } };
  });
  const [judged] = targets
    .filter((target) => 'suite' in target && target.suite === 'trivial')
    .map((target) => judge({ ...results, suites }, target, offered));
  expect(judged?.state).toBe(state);
  expect(judged?.why).toContain(why);
});

test('says where another runner is faster, and that it lacks parity', () => {
  expect(markdown).toContain("- `networkx` cold: rstest takes 0.93 of shardline's time (without parity).");
  expect(markdown).toContain("- `trivial` cold: rstest takes 0.56 of shardline's time.");
});

test('a faster runner in one long suite misses the target to be ahead', () => {
  const ahead = targets.filter(({ kind }) => kind === 'ahead').map((target) => judge(results, target, offered));
  expect(ahead.map(({ state }) => state)).toEqual(['missed']);
  expect(ahead.flatMap(({ why }) => why).filter((line) => line.includes('trivial'))).toEqual([]);
});

test('the target to be ahead is open while a suite is missing', () => {
  const suites = results.suites.filter(({ name }) => name === 'trivial');
  const [ahead] = targets.filter(({ kind }) => kind === 'ahead').map((target) => judge({ ...results, suites }, target, offered));
  expect(ahead?.state).toBe('open');
  expect(ahead?.why).toEqual(['not measured, or not at full size: `tiny`, `skewed`, `failing`, `networkx`']);
});

test('names what was not measured, and what could not be installed', () => {
  expect(markdown).toContain('- Suites: `skewed`.');
  expect(markdown).toContain('- Runners: `pytest`.');
  expect(markdown).toContain('| bistra | not measured: ERROR: No matching distribution found for bistra |');
});

test('draws a well-formed picture for each suite, in which a figure without parity is marked', () => {
  expect([...pictures.keys()].toSorted()).toEqual(['failing.svg', 'networkx.svg', 'tiny.svg', 'trivial.svg']);
  for (const svg of pictures.values()) expect(XMLValidator.validate(svg)).toBe(true);
  expect(pictures.get('networkx.svg')).toContain('>0.75 (no parity)<');
  expect(pictures.get('trivial.svg')).not.toContain('no parity');
});
