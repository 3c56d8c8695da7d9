// Groups of tests stay together, and long files are split, on two agents with two xdist workers each.

import { expect, test } from 'vitest';
import type { Report } from '../../shared/domain/report.ts';
import { newProject, outcomesOf } from '../support/shardline.ts';

const run = ['run', '--agents', '2', '-n', '2', '--out', 'out'];

/** The distinct places, as `agent worker`, where tests ran whose file name contains `part`. */
const placesOf = ({ tests }: Report, part: string): readonly string[] => [
  ...new Set(tests.flatMap(({ nodeid, attempts: [attempt] }) => (nodeid.includes(part) ? [`${attempt?.agent} ${attempt?.worker}`] : []))),
];

const sleeps = 'import time, pytest\n';
const work = (name: string): string => `def test_${name}(): time.sleep(0.1)\n`;
const files = (part: string, text: string): Record<string, string> =>
  Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`tests/test_${part}_${index}.py`, sleeps + text]));

test('--dist loadgroup runs each group in one xdist worker of the fleet, also a group set by a hook', async () => {
  await using project = await newProject({
    'pytest.ini': '[pytest]\naddopts = --dist loadgroup --strict-markers\n',
    'conftest.py':
      'import pytest\ndef pytest_collection_modifyitems(items):\n    for item in items:\n        if "hooked" in item.nodeid: item.add_marker(pytest.mark.xdist_group("by hook"))\n',
    ...files('grouped', `@pytest.mark.xdist_group("g")\n${work('in_group')}`),
    ...files('hooked', work('x')),
    ...files('free', work('y')),
    'tests/test_broken.py': 'import nothing_of_that_name\n',
  });
  const result = await project.shardline(run);
  expect(result.exitCode, result.all).toBe(1);
  expect(result.stderr).toContain('collected the whole suite once, to read its groups for --dist loadgroup');
  expect(result.stderr).not.toContain('--collect');
  const report = await project.report();
  expect(report.totals).toMatchObject({ expected: 18, passed: 18 });
  expect(report.collectErrors).toHaveLength(1);
  expect(Object.keys(outcomesOf(report))).toContain('tests/test_grouped_0.py::test_in_group');
  expect(placesOf(report, 'grouped')).toHaveLength(1);
  expect(placesOf(report, 'hooked')).toHaveLength(1);
  expect(placesOf(report, '').length).toBeGreaterThan(1);
});

test('shard_together and --shard-together keep files in one worker; a computed name is ignored with a message', async () => {
  const text = `${work('x')}@pytest.mark.serial\ndef test_alone(): pass\n`;
  await using project = await newProject({
    'pytest.ini': '[pytest]\naddopts = --strict-markers\n',
    'pyproject.toml': '[tool.shardline]\nshard-together = ["tests/test_{left,right}_*.py", "tests/test_nothing*"]\n',
    ...files('module', `pytestmark = pytest.mark.shard_together("db")\n${text}`),
    ...files('left', work('x')),
    ...files('right', work('x')),
    ...files('free', work('x')),
    'tests/test_class_db.py': `${sleeps}@pytest.mark.shard_together(name="db")\nclass TestX:\n    ${work('x').replace('()', '(self)')}`,
    'tests/test_unclear.py': `${sleeps}NAME = "db"\npytestmark = pytest.mark.shard_together(NAME)\n${work('x')}`,
  });
  const result = await project.shardline(run);
  expect(result.exitCode, result.all).toBe(0);
  expect(result.stderr).toContain('tests/test_unclear.py:3: ignored this shard_together mark. Fix: write its name as one string literal');
  const report = await project.report();
  const parallel = { ...report, tests: report.tests.filter(({ nodeid }) => !nodeid.includes('alone')) };
  expect(placesOf(parallel, 'module')).toHaveLength(1);
  expect(placesOf(parallel, 'class_db')).toEqual(placesOf(parallel, 'module'));
  expect(placesOf(parallel, 'left')).toHaveLength(1);
  expect(placesOf(parallel, 'right')).toEqual(placesOf(parallel, 'left'));
  expect(report.totals).toMatchObject({ expected: 32, passed: 32 });
});

test('splits a file that delayed the end of the last run, and keeps it one file in reports and timings', async () => {
  await using project = await newProject({
    'pytest.ini': '[pytest]\n',
    'test_long.py': `${sleeps}@pytest.fixture(scope="module", autouse=True)\ndef shared():\n    time.sleep(0.1)\n@pytest.mark.parametrize("n", range(16))\ndef test_n(n): time.sleep(0.1)\n`,
    'test_short.py': `${sleeps}${work('x')}`,
  });
  const reports: Report[] = [];
  const learned: unknown[] = [];
  for (const again of [false, true]) {
    const result = await project.shardline(['run', '--agents', '1', '-n', '2', '--out', again ? 'second' : 'first']);
    expect(result.exitCode, result.all).toBe(0);
    reports.push(await project.report(again ? 'second' : 'first'));
    learned.push(JSON.parse(await project.read('.shardline/timings.json')));
  }
  const [first, second] = reports;
  if (first === undefined || second === undefined) throw new Error('two runs were made');
  expect(second.shards.length).toBeGreaterThan(first.shards.length);
  expect(placesOf(first, 'test_long')).toHaveLength(1);
  expect(placesOf(second, 'test_long')).toHaveLength(2);
  expect(outcomesOf(second)).toEqual(outcomesOf(first));
  // The file has one entry with all its tests, and the fixture that each part sets up counts once.
  for (const timings of learned) {
    const { files: all } = timings as { files: [string, { seconds: number; fixtureSeconds: number; tests: unknown[] }][] };
    const [, timing] = all.find(([file]) => file === 'test_long.py') ?? [];
    expect(timing?.tests).toHaveLength(16);
    expect(timing?.fixtureSeconds).toBeGreaterThan(0.09);
    expect((timing?.seconds ?? 0) - (timing?.fixtureSeconds ?? 0)).toBeGreaterThan(1.6);
  }
});
