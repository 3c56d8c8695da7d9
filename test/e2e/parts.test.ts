// A suite in parts that know nothing of each other, and the merge that proves that they are whole.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newProject, outcomesOf, type Project } from '../support/shardline.ts';

const suite = {
  'pytest.ini': '[pytest]\ntestpaths = tests\n',
  // Each part must see the whole list, as plain pytest does.
  'tests/conftest.py': 'def pytest_collection_modifyitems(items):\n    assert len(items) == 9\n',
  ...Object.fromEntries(
    ['a', 'b', 'c', 'd'].map((name) => [`tests/test_${name}.py`, 'def test_one(): pass\n\ndef test_two(): assert 1 + 1 == 2\n']),
  ),
  'tests/test_red.py': 'def test_red(): assert {"currency": "EUR"} == {"currency": "USD"}\n',
};

const runPart = (project: Project, index: number, total: number, out: string, settings: Readonly<Record<string, string>> = {}) =>
  project.shardline(['run', '-n', '1', '--shard', `${index}/${total}`, '--out', out, '--timings', `${out}.json`], settings);

test('parts together run every test once; a missing part is never green, and a part that ran again counts once', {
  timeout: 300_000,
}, async () => {
  await using project = await newProject(suite);
  const codes = new Map<number, number | undefined>();
  for (const index of [1, 2, 3]) {
    const { exitCode, all } = await runPart(project, index, 3, `part-${index}`);
    expect(all).toMatch(new RegExp(`^Run \\S+: part ${index} of 3, \\d of 5 test files`, 'm'));
    codes.set(index, exitCode);
  }
  expect([...codes.values()].sort()).toEqual([0, 0, 1]);

  const merged = await project.shardline(['report', '--merge', 'part-1', 'part-2', 'part-3', '--json', 'merged.json']);
  expect(merged.exitCode, merged.all).toBe(1);
  expect(merged.all).toMatch(/^failed: 1 failed, 8 passed in /m);
  const whole = await project.shardline(['run', '-n', '1', '--out', 'whole']);
  expect(whole.exitCode).toBe(1);
  const report = JSON.parse(await project.read('merged.json'));
  expect(outcomesOf(report)).toEqual(outcomesOf(await project.report('whole')));
  expect(report.partProblems).toEqual([]);

  const red = [1, 2, 3].find((index) => codes.get(index) === 1) ?? 0;
  // The command of a merged report replays the part that has the events.
  const lines = await project.shardline(['report', '--merge', 'part-1', 'part-2', 'part-3', '--json-lines']);
  const failure = JSON.parse(lines.stdout.split('\n', 1)[0] ?? '');
  expect(failure).toMatchObject({
    message: "{'currency': 'EUR'} != {'currency': 'USD'}",
    replay: `shardline replay part-${red} --agent a1 --worker gw0`,
  });
  const replayed = await project.shardline(failure.replay.split(' ').slice(1));
  expect(replayed.stdout, replayed.all).toMatch(/^replayed: \d replayed, 1 failed, \d as in the run; exit 1$/m);

  const green = [1, 2, 3].filter((index) => index !== red);
  const lacking = await project.shardline(['report', '--merge', ...green.map((index) => `part-${index}`)]);
  expect(lacking.exitCode).toBe(11);
  expect(lacking.all).toContain(`PARTS part ${red} of 3 is missing\nPARTS `);
  const alone = await project.shardline(['report', '--merge', `part-${green[0]}`]);
  expect(alone.exitCode).toBe(11);

  // Mends the red test, as a retry of its job would not, to tell the attempts apart.
  await writeFile(join(project.directory, 'tests', 'test_red.py'), 'def test_red(): pass\n');
  const second = { GITHUB_ACTIONS: 'true', GITHUB_RUN_ID: '1', GITHUB_JOB: 'tests', GITHUB_RUN_ATTEMPT: '2' };
  expect((await runPart(project, red, 3, 'again', second)).exitCode).toBe(0);
  const retried = await project.shardline(['report', '--merge', 'part-1', 'part-2', 'part-3', 'again']);
  expect(retried.all).toMatch(/^FLAKY tests\/test_red\.py::test_red /m);
  expect(retried.all).toContain('9 passed, 1 flaky');
  expect(retried.all).toContain(': other Python or configuration files (digest ');
  expect(retried.exitCode).toBe(11);
});

test('parts follow one plan, and the merge collects the durations of all parts', { timeout: 300_000 }, async () => {
  await using project = await newProject(suite);
  const planned = await project.shardline(['plan', '-n', '2', '--shards', '2', '--out', 'plan.json']);
  expect(planned.exitCode, planned.all).toBe(0);
  expect(planned.stdout).toMatch(/^5 test files, 5\.00 s of tests; 5 never ran, so that their times are guessed$/m);
  expect(planned.stdout).toMatch(/^1 agent with 2 workers: \d\.\d+ s\n2 agents with 2 workers each: \d\.\d+ s$/m);
  expect(planned.stdout).toMatch(/^part 2 of 2: 2 files, 2\.00 s of tests$/m);
  expect(project.holds('.shardline')).toBe(false);

  for (const index of [1, 2]) {
    const argv = ['run', '-n', '1', '--shard', `${index}/2`, '--plan', 'plan.json', '--out', `part-${index}`, '--timings', `${index}.json`];
    expect([0, 1]).toContain((await project.shardline(argv)).exitCode);
  }
  const merged = await project.shardline(['report', '--merge', 'part-1', 'part-2', '--timings', 'all.json']);
  expect(merged.all).toMatch(/^failed: 1 failed, 8 passed in /m);
  const durations = await project.shardline(['plan', '--timings', 'all.json']);
  expect(durations.stdout).toMatch(/^5 test files, \d\.\d+ s of tests$/m);
  expect(merged.all).not.toContain('UNSTABLE');
  // Each job of the next two runs begins without durations: only the merge knows the runs before.
  for (const [run, assertion] of [
    ['second', 'pass'],
    ['third', 'assert False'],
  ] as const) {
    await writeFile(join(project.directory, 'tests', 'test_red.py'), `def test_red(): ${assertion}\n`);
    for (const index of [1, 2]) {
      await project.shardline([
        'run',
        '-n',
        '1',
        '--shard',
        `${index}/2`,
        '--plan',
        'plan.json',
        '--out',
        `${run}-${index}`,
        '--timings',
        `${run}-${index}.json`,
      ]);
    }
    const next = await project.shardline(['report', '--merge', `${run}-1`, `${run}-2`, '--timings', 'all.json', '--json', `${run}.json`]);
    expect(next.all.includes('UNSTABLE tests/test_red.py::test_red - failed in 2 of its last 3 runs')).toBe(run === 'third');
  }
  const { history, origin } = JSON.parse(await project.read('third.json'));
  expect(history.unstable).toEqual([{ nodeid: 'tests/test_red.py::test_red', lastRuns: 'FPF' }]);
  expect(origin).toMatchObject({ command: '', job: null });

  const other = ['run', '--shard', '1/2', '--plan', 'plan.json'];
  const refusals: readonly (readonly [string[], string])[] = [
    [['run', '--shard', '1/3', '--plan', 'plan.json'], 'it has 2 parts, and --shard asks for one of 3'],
    [[...other, '--', '-k', 'one'], 'it is for the arguments none, and this run has -k one'],
    [[...other, '--collect', 'suite'], 'it is for --collect auto, and this run has suite'],
    [['run', '--shard', '1/2', '--plan', 'nowhere.json'], 'no such file or directory'],
    [['run', '--shard', '1/2', '--plan', 'pytest.ini'], 'is not valid JSON'],
  ];
  for (const [argv, problem] of refusals) {
    const { exitCode, all } = await project.shardline(argv);
    expect(exitCode, all).toBe(4);
    expect(all).toContain('shardline: error: Could not use the plan ');
    expect(all).toContain(problem);
  }
  await writeFile(join(project.directory, 'tests', 'test_new.py'), 'def test_new(): pass\n');
  expect((await project.shardline(other)).all).toContain('it does not have tests/test_new.py, which is in this suite');
});

test('plan prints a command that runs a part with its paths and options', { timeout: 180_000 }, async () => {
  await using project = await newProject({
    'tests/test_a.py': 'def test_one(): pass\ndef test_two(): pass\n',
    'tests/test_b.py': 'def test_one(): pass\n',
  });
  const rest = ['--', '-k', 'one or three'];
  const planned = await project.shardline(['plan', 'tests/', '--shards', '2', '--out', 'plan.json', ...rest]);
  const printed = "shardline ci tests/ --shard 1/2 --plan plan.json -- -k 'one or three'";
  expect(planned.stdout).toContain(`Wrote plan.json. Run a part: \`${printed}\``);
  const part = await project.shardline(['ci', 'tests/', '--shard', '1/2', '--plan', 'plan.json', ...rest]);
  expect(part.all).toMatch(/^passed: 1 passed/m);
  expect(part.exitCode).toBe(0);
  const other = await project.shardline(['ci', '--shard', '1/2', '--plan', 'plan.json', ...rest]);
  expect(other.all).toContain("Fix: Write it again with `shardline plan --shards 2 --out plan.json -- -k 'one or three'`, or pass");
});

test('a part without a test passes; no test in any part is exit code 5', { timeout: 180_000 }, async () => {
  await using project = await newProject({ 'test_only.py': 'def test_only(): pass\n' });
  const codes = [];
  for (const index of [1, 2]) codes.push((await runPart(project, index, 2, `part-${index}`)).exitCode);
  expect(codes).toEqual([0, 0]);
  expect((await project.shardline(['report', '--merge', 'part-1', 'part-2'])).exitCode).toBe(0);

  await using empty = await newProject({ 'helper.py': '' });
  for (const index of [1, 2]) expect((await runPart(empty, index, 2, `part-${index}`)).exitCode).toBe(0);
  expect((await empty.shardline(['report', '--merge', 'part-1', 'part-2'])).exitCode).toBe(5);
});

test('a wrong part is refused', async () => {
  await using project = await newProject({ 'test_a.py': 'def test_a(): pass\n' });
  for (const part of ['0/2', '3/2', '2', 'a/b']) {
    const { exitCode, all } = await project.shardline(['run', '--shard', part]);
    expect(exitCode).toBe(4);
    expect(all).toContain(`--shard ${part} is invalid: expected I/N with I from 1 to N.`);
  }
});
