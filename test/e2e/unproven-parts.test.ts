// Parts that were killed, that left torn files, or that selected different tests: their merge is never green.

import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newProject, type Project } from '../support/shardline.ts';

const suite = {
  'pytest.ini': '[pytest]\nmarkers = slow\n',
  'test_a.py': 'def test_one(): pass\n\ndef test_two(): pass\n',
  'test_b.py': 'def test_one(): pass\n\ndef test_two(): pass\n',
};

const startPart = (
  project: Project,
  part: string,
  out: string,
  more: readonly string[] = [],
  settings: Readonly<Record<string, string>> = {},
) => project.shardline(['run', '-n', '1', '--shard', part, '--out', out, '--timings', `${out}.json`, ...more], settings);

test('a merge names a killed part, and exits with 11', { timeout: 240_000 }, async () => {
  await using project = await newProject({
    ...suite,
    'test_b.py': 'import os, time\ndef test_one(): pass\n\ndef test_two():\n    open("running", "w").close()\n    time.sleep(60)\n',
  });
  expect((await startPart(project, '1/2', 'parts/1')).exitCode).toBe(0);
  const killed = startPart(project, '2/2', 'parts/2');
  await expect.poll(() => project.holds('running'), { timeout: 60_000 }).toBe(true);
  killed.kill('SIGKILL');
  await killed;
  expect(project.holds('parts/2/report.json')).toBe(false);
  const merged = await project.shardline(['report', '--merge', 'parts/1', 'parts/2']);
  expect(merged.all).toContain('PARTS part 2 of 2 stopped early (killed, interrupted, or --sw)');
  expect(merged.exitCode, merged.all).toBe(11);
});

test('a merge names what it cannot read, reports the other parts, and exits with 11', { timeout: 240_000 }, async () => {
  await using project = await newProject(suite);
  for (const index of [1, 2]) expect((await startPart(project, `${index}/2`, `parts/${index}`)).exitCode).toBe(0);
  const merge = (...sources: readonly string[]) => project.shardline(['report', '--merge', ...sources, '--junit-xml', 'junit.xml']);
  expect((await merge('parts/1', 'parts/2')).exitCode).toBe(0);
  await mkdir(join(project.directory, 'empty'));
  await mkdir(join(project.directory, 'no-events'));
  await writeFile(join(project.directory, 'no-events', 'events.ndjson'), '');
  await truncate(join(project.directory, 'parts/2/report.json'), 100);
  for (const [source, problem] of [
    ['empty', 'it has no report.json and no events.ndjson'],
    ['no-events', 'its first event is not the start of a run'],
    ['parts/2', ''],
    ['nowhere', 'no such file or directory'],
  ] as const) {
    const { exitCode, all } = await merge('parts/1', source);
    expect(exitCode, all).toBe(11);
    expect(all).toContain(`PARTS could not read ${source}: ${problem}`);
    expect(all).toContain('PARTS part 2 of 2 is missing');
    expect(await project.read('junit.xml')).toContain('tests="2"');
  }
  const nothing = await merge('empty', 'no-events');
  expect(nothing.exitCode).toBe(4);
  expect(nothing.all).toContain('empty is not the result of a run: it has no report.json and no events.ndjson');
  for (const above of ['parts', 'parts/', 'parts/*']) {
    const { exitCode, stderr } = await project.shardline(['report', '--merge', above]);
    expect(exitCode).toBe(4);
    expect(stderr.trim()).toBe(
      'shardline: error: parts holds no run itself; it has runs in 1 and 2.\nFix: Run `shardline report --merge parts/1 parts/2`.',
    );
  }
});

test('files without a test are in a part too', { timeout: 240_000 }, async () => {
  await using project = await newProject({
    ...suite,
    'test_empty.py': '',
    'test_slow.py': 'import pytest\n\n@pytest.mark.slow\ndef test_slow(): assert False\n',
  });
  for (const collect of ['suite', 'file']) {
    const outs = [1, 2].map((index) => `${collect}-${index}`);
    for (const [place, out] of outs.entries())
      expect([0, 5]).toContain((await startPart(project, `${place + 1}/2`, out, ['--collect', collect, '--', '-m', 'not slow'])).exitCode);
    const { exitCode, all } = await project.shardline(['report', '--merge', ...outs]);
    expect(exitCode, all).toBe(0);
    expect(all).toMatch(/^passed: 4 passed, /m);
  }
});

test('parts with different PYTEST_ADDOPTS, or different lists, are no whole suite', { timeout: 240_000 }, async () => {
  await using project = await newProject({
    ...suite,
    'conftest.py': [
      'import os',
      'def pytest_collection_modifyitems(items):',
      '    if "ONLY" in os.environ: items[:] = [item for item in items if os.environ["ONLY"] in item.name]',
      '',
    ].join('\n'),
  });
  const selecting = { PYTEST_ADDOPTS: '-k test_one' };
  expect((await startPart(project, '1/2', 'one')).exitCode).toBe(0);
  expect((await startPart(project, '2/2', 'two', [], selecting)).exitCode).toBe(0);
  const addopts = await project.shardline(['report', '--merge', 'one', 'two']);
  expect(addopts.exitCode, addopts.all).toBe(11);
  expect(addopts.all).toContain('PARTS part 2 of 2 differs: another PYTEST_ADDOPTS (-k test_one; part 1 of 2 has it unset)');

  expect((await startPart(project, '2/2', 'three', [], { ONLY: 'one' })).exitCode).toBe(0);
  const lists = await project.shardline(['report', '--merge', 'one', 'three']);
  expect(lists.exitCode, lists.all).toBe(11);
  expect(lists.all).toMatch(
    /^PARTS part 2 of 2 differs: it collected other tests \(2 tests, digest \w+; part 1 of 2 has 4 tests, digest \w+\)$/m,
  );

  expect((await project.shardline(['plan', '--shards', '2', '--out', 'plan.json'], selecting)).exitCode).toBe(0);
  const other = await startPart(project, '1/2', 'four', ['--plan', 'plan.json']);
  expect(other.exitCode).toBe(4);
  expect(other.all).toContain('it is for PYTEST_ADDOPTS -k test_one, and this run has it unset');
  expect((await startPart(project, '1/2', 'four', ['--plan', 'plan.json'], selecting)).exitCode).toBe(0);
});
