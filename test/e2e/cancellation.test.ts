// A CI provider cancels a job: what reaches the command, and what it leaves.

import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { marked } from '../support/marked.ts';
import { said } from '../support/said.ts';
import { environment, newProject, type Project, program } from '../support/shardline.ts';

const suite = {
  'test_quick.py': 'def test_quick(): pass\n',
  'test_slow.py': `
import pathlib, pytest, time
@pytest.fixture
def account():
    pathlib.Path("set-up").touch()
    yield
    pathlib.Path("torn-down").touch()
def test_slow(account): time.sleep(60)
`,
};

/** GitHub Actions kills what is left this long after the shell of the step has ended. */
const KILL_MS = 2500;

/** Runs `shardline` as a step of a job does: with bash, which does not pass signals on, as its parent. */
function startStep(project: Project, mark: string, prefix = '') {
  const argv = ['run', '-n', '2', '--verbose', '--out', 'out'];
  const script = `${prefix}"$@"; echo "ended with $?"`;
  return execa('bash', ['-c', script, 'bash', ...program, ...argv], {
    cwd: project.directory,
    env: environment({ GITHUB_ACTIONS: 'true', GITHUB_RUN_ID: '1', GITHUB_JOB: 'tests', CHAOS_MARK: mark }),
    extendEnv: false,
    reject: false,
    all: true,
    stdin: 'ignore',
    // execa would kill 5 s after SIGTERM.
    forceKillAfterDelay: false,
  });
}

test('a shell that ends without passing a signal on: the report is written before the provider kills', { timeout: 120_000 }, async () => {
  await using project = await newProject(suite);
  const mark = 'cancelled-parent';
  const step = startStep(project, mark);
  await said(step, /PASSED test_quick/);
  step.kill('SIGKILL');
  await delay(KILL_MS);
  const report = await project.report();
  expect(report).toMatchObject({ verdict: 'interrupted', exitCode: 2, totals: { passed: 1, notRun: 1 } });
  await eventually('every process of the job has ended', async () => (await marked(mark)).length === 0);
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s to a command that replaced its shell', { timeout: 120_000 }, async (signal) => {
  await using project = await newProject(suite);
  const mark = `cancelled-${signal}`;
  const step = startStep(project, mark, 'exec ');
  await said(step, /PASSED test_quick/);
  await eventually('the other test runs', () => project.holds('set-up'));
  step.kill(signal);
  const { exitCode, all } = await step;
  expect(exitCode, all).toBe(2);
  expect(await project.report()).toMatchObject({ verdict: 'interrupted', totals: { passed: 1, notRun: 1 } });
  expect(project.holds('torn-down')).toBe(true);
  expect(await marked(mark)).toEqual([]);
});
