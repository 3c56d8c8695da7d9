// `shardline replay` on the output of a real run: repeats the order of one worker, and finds the tests that make another fail.

import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newProject, outcomesOf, type Project } from '../support/shardline.ts';

let project: Project;
beforeAll(async () => {
  project = await newProject({
    'pyproject.toml': '[tool.pytest.ini_options]\n',
    'state.py': 'seen = []\n',
    'conftest.py': [
      'import os, sys, pytest',
      'sys.path.insert(0, os.path.dirname(__file__))',
      '@pytest.fixture(autouse=True)',
      'def note(request):',
      '    import state',
      '    state.seen.append(request.node.name)',
      '    with open(os.path.join(os.path.dirname(__file__), "order.txt"), "a") as file:',
      '        file.write("%s %s\\n" % (request.node.nodeid, os.environ.get("PYTHONHASHSEED")))',
    ].join('\n'),
    'tests/test_first.py': [
      'import pytest, state',
      'def test_b(): pass',
      'def test_c(): pass',
      '@pytest.mark.serial',
      'def test_serial(): pass',
    ].join('\n'),
    'tests/test_second.py': [
      'import state',
      'def test_d(): pass',
      'def test_victim():',
      '    assert not {"test_b", "test_d"} <= set(state.seen)',
      'def test_alone(): assert False, "\\x1b[31mred\\x1b[0m\\a"',
    ].join('\n'),
  });
  // Longer files run first, so these durations keep the files in order.
  const timing = (seconds: number) => ({ seconds, collectSeconds: 0.01, tests: [] });
  const files = [
    ['tests/test_first.py', timing(5)],
    ['tests/test_second.py', timing(4)],
  ];
  await writeFile(join(project.directory, 'timings.json'), JSON.stringify({ version: 1, files }));
  const { exitCode } = await project.shardline(
    ['run', '--out', 'out', '-n', '1', '--timings', 'timings.json', 'tests', '--', '--maxfail=5'],
    { PYTHONHASHSEED: '7' },
  );
  expect(exitCode).toBe(1);
  expect(outcomesOf(await project.report())).toMatchObject({ 'tests/test_second.py::test_victim': 'failed' });
});
afterAll(() => project[Symbol.asyncDispose]());

describe('shardline replay', () => {
  test('runs the same tests in the same order with the same hash seed, and compares the outcomes', async () => {
    const ran = await project.read('order.txt');
    await writeFile(join(project.directory, 'order.txt'), '');
    const replayed = await project.shardline(['replay', 'out', '--agent', 'a1', '--worker', 'gw0']);
    expect(await project.read('order.txt')).toBe(ran);
    expect(replayed.stdout).toContain('AssertionError: red\\x07');
    expect(ran).toContain('test_serial 7\n');
    expect(replayed.stderr).toContain('6 tests, PYTHONHASHSEED=7');
    expect(replayed.stderr).toContain('FAILED tests/test_second.py::test_victim (in the run: failed)');
    expect(replayed.stdout.split('\n').at(-1)).toBe('replayed: 6 replayed, 2 failed, 6 as in the run; exit 1');
    expect(replayed.exitCode).toBe(1);
  });

  test('finds the tests that make another fail, and prints the command that reproduces it', async () => {
    const found = await project.shardline(['replay', 'out', '--bisect', 'tests/test_second.py::test_victim']);
    expect(found.exitCode).toBe(1);
    expect(found.stdout).toContain(
      'tests/test_second.py::test_victim fails after:\n  tests/test_first.py::test_b\n  tests/test_second.py::test_d\nReproduce: ',
    );
    const command = /^Reproduce: shardline (.*)$/m.exec(found.stdout)?.[1]?.split(' ') ?? [];
    const again = await project.shardline(command);
    expect(again.stdout.split('\n').at(-1)).toBe('replayed: 3 replayed, 1 failed, 3 as in the run; exit 1');
  });

  test('reports a test that fails alone, and one that does not fail', async () => {
    const alone = await project.shardline(['replay', 'out', '--bisect', 'tests/test_second.py::test_alone']);
    expect(alone.stdout).toContain('fails alone');
    const passes = await project.shardline(['replay', 'out', '--bisect', 'tests/test_second.py::test_d']);
    expect(passes.stdout).toContain('does not fail after the 2 tests');
    expect(passes.exitCode).toBe(0);
  });

  test('refuses agents and tests that are not in the run', async () => {
    const nobody = await project.shardline(['replay', 'out', '--agent', 'a9']);
    expect(nobody.exitCode).toBe(4);
    expect(nobody.stderr).toContain('Fix: Tests started on a1 gw0.');
    expect((await project.shardline(['replay', 'out', '--bisect', 'tests/test_x.py::test'])).exitCode).toBe(4);
  });

  test('takes the newest run if none is named', async () => {
    const missing = await project.shardline(['replay']);
    expect(missing.exitCode).toBe(4);
    expect(missing.stderr).toContain('There is no finished run in ');
    const name = '20260102-030405-abcd';
    await cp(join(project.directory, 'out'), join(project.directory, '.shardline', 'runs', name), { recursive: true });
    const replayed = await project.shardline(['replay', '--bisect', 'tests/test_second.py::test_victim']);
    expect(replayed.stdout).toContain(
      `Reproduce: shardline replay .shardline/runs/${name} --selected .shardline/runs/${name}/bisect.txt\n`,
    );
  });

  test('passes arguments that can run code only if they come from a run of this directory, or are trusted', async () => {
    const run = (out: readonly string[]) => project.shardline(['run', ...out, '-n', '1', 'tests/test_first.py', '--', '-p', 'no:doctest']);
    expect((await run(['--out', 'theirs'])).exitCode).toBe(0);
    const refused = await project.shardline(['replay', 'theirs']);
    expect(refused.exitCode, refused.all).toBe(4);
    expect(refused.stderr).toContain('can run code or write files: -p');
    const trusted = await project.shardline(['replay', 'theirs', '--trust-arguments']);
    expect(trusted.exitCode, trusted.all).toBe(0);
    expect((await run([])).exitCode).toBe(0);
    const own = await project.shardline(['replay']);
    expect(own.exitCode, own.all).toBe(0);
  });
});
