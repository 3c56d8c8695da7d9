// Outputs that cannot be written, or that another run writes to: the run still gives its verdict and names the problem.

import { readdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { environmentPython } from '../support/python.ts';
import { environment, newProject, type Project, program } from '../support/shardline.ts';

const passing = { 'test_a.py': 'def test_ok(): pass\n' };
const many = {
  'test_a.py': "import pytest\n@pytest.mark.parametrize('n', range(400))\ndef test_n(n): pass\n",
};
/** Runs until the project has a file `go`. */
const waiting = {
  'test_a.py': 'import os, time\ndef test_ok():\n    open("begun", "w").close()\n    while not os.path.exists("go"): time.sleep(0.02)\n',
};

/** `shardline ARGV…` with a limit on file sizes in KiB: acts like a full disk, for root too. */
const withFileLimit = (project: Project, kibibytes: number, argv: readonly string[]) =>
  execa('bash', ['-c', `ulimit -f ${kibibytes}; exec "$@"`, 'bash', ...program, ...argv], {
    cwd: project.directory,
    env: environment(),
    extendEnv: false,
    reject: false,
    all: true,
    stdin: 'ignore',
  });

test('a full disk is one error (exit 4), and the run still gives its verdict and the outputs that fit', async () => {
  await using project = await newProject(many);
  const result = await withFileLimit(project, 40, ['run', '-n', '1', '--out', 'out', '--html', 'copy.html']);
  expect(result.exitCode, result.all).toBe(4);
  expect(result.stdout.trimEnd().split('\n').at(-1)).toMatch(/^passed: 400 passed in .*; exit 4$/);
  expect(result.stderr.match(/error: /g)).toHaveLength(1);
  expect(result.stderr).toMatch(
    /error: The disk mounted at \/\S* accepts no more data: EFBIG.*\n.*: report\.json, events\.ndjson, copy\.html, report\.html\./,
  );
  expect(result.stderr).not.toMatch(/^\s+at /m);
  for (const fits of ['summary.md', 'junit.xml']) expect(project.holds(join('out', fits)), fits).toBe(true);
  expect((await readdir(join(project.directory, 'out'))).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

test('unwritable test durations are a warning, and an error only with --timings', async () => {
  await using project = await newProject({ ...passing, '.shardline': 'a file, as nothing can be written there' });
  const result = await project.shardline(['run', '-n', '1', '--out', 'out']);
  expect(result.exitCode, result.all).toBe(0);
  expect(result.stderr).toMatch(/^shardline: warning: could not save test durations to .*\.shardline\/timings\.json: /m);
  const asked = await project.shardline(['run', '-n', '1', '--out', 'out', '--timings', '.shardline/timings.json']);
  expect(asked.exitCode, asked.all).toBe(4);
  expect(asked.stdout).toContain('passed: 1 passed');
});

test('a second run with the same --out is refused at once, and the first finishes normally', async () => {
  await using project = await newProject(waiting);
  const first = project.shardline(['run', '-n', '1', '--out', 'out']);
  await eventually('the test has begun', () => project.holds('begun'));
  await symlink('out', join(project.directory, 'alias'));
  for (const out of ['out', 'alias']) {
    const second = await project.shardline(['run', '-n', '1', '--out', out]);
    expect(second.exitCode, second.all).toBe(4);
    expect(second.stderr).toContain('Another run is using');
    expect(second.stderr).not.toContain('--resume');
  }
  await writeFile(join(project.directory, 'go'), '');
  expect((await first).exitCode).toBe(0);
  expect((await project.report()).verdict).toBe('passed');
  expect((await project.shardline(['run', '-n', '1', '--out', 'out'])).exitCode).toBe(0);
});

test('a run whose --out was taken by another keeps its verdict and copies, and writes nothing there (exit 4)', async () => {
  await using project = await newProject(waiting);
  await writeFile(join(project.directory, 'go'), '');
  expect((await project.shardline(['run', '-n', '1', '--out', 'other'])).exitCode).toBe(0);
  for (const name of ['go', 'begun']) await rename(join(project.directory, name), join(project.directory, `${name}.done`));
  const first = project.shardline(['run', '-n', '1', '--out', 'out', '--json', 'copy.json']);
  await eventually('the test has begun', () => project.holds('begun'));
  // A run on another machine does the same, because it cannot see this one.
  await rename(join(project.directory, 'other', 'events.ndjson'), join(project.directory, 'out', 'events.ndjson'));
  await writeFile(join(project.directory, 'go'), '');
  const result = await first;
  expect(result.exitCode, result.all).toBe(4);
  expect(result.stdout).toContain('passed: 1 passed');
  expect(result.stderr).toMatch(/Another run is using .*out: run \S+ started there meanwhile\./);
  expect(await project.read('copy.json')).toContain('"verdict": "passed"');
  expect(await readdir(join(project.directory, 'out'))).toEqual(['events.ndjson']);
});

test('TMPDIR may be missing or relative, as for pytest itself', async () => {
  await using project = await newProject({ ...passing, 'scratch/kept': '' });
  for (const TMPDIR of [join(project.directory, 'missing'), 'missing', 'scratch']) {
    const result = await project.shardline(['run', '-n', '1', '--out', 'out'], { TMPDIR });
    expect(result.exitCode, result.all).toBe(0);
  }
});

test('with --out elsewhere git still ignores every file of shardline in the project', async () => {
  await using project = await newProject(passing);
  expect((await project.shardline(['run', '-n', '1', '--out', '.shardline-elsewhere/out'])).exitCode).toBe(0);
  expect(project.holds('.shardline/timings.json')).toBe(true);
  expect(await project.read('.shardline/.gitignore')).toBe('*\n');
});

test('an empty SHARDLINE_REDIS_URL counts as unset, with a message', async () => {
  await using project = await newProject(passing);
  const result = await project.shardline(['run', '-n', '1', '--out', 'out'], { SHARDLINE_REDIS_URL: '' });
  expect(result.exitCode, result.all).toBe(0);
  expect(result.stderr).toContain('SHARDLINE_REDIS_URL is empty: using an embedded Redis');
});

test('two agents in one directory have a cache of mypy each, because mypy locks its cache', async () => {
  const slow = 'import time\ndef test_it() -> None: time.sleep(1)\n';
  await using project = await newProject(Object.fromEntries(Array.from('abcdef', (name) => [`test_${name}.py`, slow])));
  const argv = ['run', '--agents', '2', '-n', '1', '--collect', 'suite', '--python', environmentPython('oracle')];
  const { exitCode, all } = await project.shardline([...argv, '--', '--mypy', '-p', 'no:randomly']);
  expect(exitCode, all).toBe(0);
  const caches = (await readdir(project.directory)).filter((name) => name.startsWith('.mypy_cache')).sort();
  expect(caches).toEqual(['.mypy_cache', '.mypy_cache-2']);
});
