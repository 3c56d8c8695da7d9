// The GitHub action: its definition, what it runs, and what remains when the job is cancelled.

import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { marked } from '../support/marked.ts';
import { said } from '../support/said.ts';
import { environment, newProject, type Project, program } from '../support/shardline.ts';
import { validated } from '../support/workflow-schema.ts';

const folder = fileURLToPath(new URL('../../action', import.meta.url));

/** Runs a script of the action as the runner does, with `shardline` on the PATH. */
async function startAction(project: Project, script: 'main' | 'post', settings: Readonly<Record<string, string>>) {
  const bin = join(project.directory, 'bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'shardline'), `#!/bin/sh\nexec ${program.join(' ')} "$@"\n`);
  await chmod(join(bin, 'shardline'), 0o755);
  const files = Object.fromEntries(['OUTPUT', 'STATE', 'STEP_SUMMARY'].map((name) => [`GITHUB_${name}`, join(project.directory, name)]));
  const env = environment({
    GITHUB_ACTIONS: 'true',
    GITHUB_RUN_ID: '1',
    GITHUB_JOB: 'tests',
    INPUT_INSTALL: '',
    INPUT_OUT: 'out',
    ...files,
    ...settings,
  });
  const step = execa(process.execPath, [join(folder, `${script}.mjs`)], {
    cwd: project.directory,
    env: { ...env, PATH: `${bin}${delimiter}${env.PATH}` },
    extendEnv: false,
    reject: false,
    all: true,
    stdin: 'ignore',
    forceKillAfterDelay: false,
  });
  // Not the promise itself, which would be awaited here.
  return { step };
}

const suite = {
  'tests/test_a.py': 'def test_good(): pass\n\ndef test_bad(): assert 1 == 2\n',
  'tests/test_b.py': 'def test_other(): pass\n',
};

test('its definition is valid', { timeout: 240_000 }, async () => {
  expect(await validated('github-action', await readFile(join(folder, 'action.yml'), 'utf8'))).toBe('ok -- validation done');
});

test('runs the tests, and writes outputs, annotations and the summary', { timeout: 120_000 }, async () => {
  await using project = await newProject(suite);
  const inputs = { INPUT_PATHS: 'tests\n', INPUT_OPTIONS: '-n\n1\n', 'INPUT_PYTEST-ARGS': '-k\ngood or bad\n' };
  const { exitCode, all } = await (await startAction(project, 'main', inputs)).step;
  expect(exitCode, all).toBe(1);
  expect(await project.read('OUTPUT')).toBe('exit-code=1\nreport=out\n');
  expect(await project.read('STEP_SUMMARY')).toContain('test_bad');
  expect(all).toContain('::error ');
  expect(await project.report()).toMatchObject({ totals: { passed: 1, failed: 1 }, deselected: 1 });
});

const slow = { 'test_quick.py': 'def test_quick(): pass\n', 'test_slow.py': 'import time\ndef test_slow(): time.sleep(60)\n' };

test('passes the signal of a cancelled job on, and waits for the reports', { timeout: 120_000 }, async () => {
  await using project = await newProject(slow);
  const { step } = await startAction(project, 'main', { INPUT_OPTIONS: '--verbose\n-n\n2' });
  await said(step, /PASSED test_quick/);
  step.kill('SIGINT');
  const { exitCode, all } = await step;
  expect(exitCode, all).toBe(2);
  expect(await project.read('OUTPUT')).toBe('exit-code=2\nreport=out\n');
  expect(await project.report()).toMatchObject({ verdict: 'interrupted', totals: { passed: 1 } });
});

test('the post step stops what a killed step has left', { timeout: 120_000 }, async () => {
  await using project = await newProject(slow);
  const mark = 'action-post';
  const { step } = await startAction(project, 'main', { CHAOS_MARK: mark, INPUT_OPTIONS: '--verbose\n-n\n2' });
  await said(step, /PASSED test_quick/);
  step.kill('SIGKILL');
  await step;
  await delay(100);
  const [, pid = ''] = /^pid=(\d+)$/m.exec(await project.read('STATE')) ?? [];
  const { step: post } = await startAction(project, 'post', { STATE_pid: pid });
  expect((await post).exitCode).toBe(0);
  expect(await project.report()).toMatchObject({ verdict: 'interrupted' });
  await eventually('every process of the job has ended', async () => (await marked(mark)).length === 0);
});
