// `shardline ci`: the same line in several jobs, with a Redis that they share and without one.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { connect } from '../../shared/redis/connect.ts';
import { commandsOf } from '../support/doc-commands.ts';
import { startDurableRedis } from '../support/durable-redis.ts';
import { decodeTrace, startReceiver } from '../support/otlp.ts';
import { startTcpServer } from '../support/redis.ts';
import { said } from '../support/said.ts';
import { newProject, outcomesOf, type Project } from '../support/shardline.ts';

const body = 'import time\ndef test_x(): time.sleep(0.4)\ndef test_y(): time.sleep(0.4)\n';
const suite = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`test_${index}.py`, body]));
const all = Object.fromEntries(Object.keys(suite).flatMap((file) => [`${file}::test_x`, `${file}::test_y`].map((id) => [id, 'passed'])));

/** The environment of job `index` of a Buildkite build, which the provider has started `attempt` times. */
const buildkite = (url: string, index: number, attempt = 1): Readonly<Record<string, string>> => ({
  SHARDLINE_REDIS_URL: url,
  BUILDKITE: 'true',
  BUILDKITE_BUILD_ID: 'build-1',
  BUILDKITE_STEP_ID: 'tests',
  BUILDKITE_PARALLEL_JOB: String(index - 1),
  BUILDKITE_PARALLEL_JOB_COUNT: '3',
  BUILDKITE_RETRY_COUNT: String(attempt - 1),
  BUILDKITE_JOB_ID: `job-${index}-${attempt}`,
});

const ci = (project: Project, settings: Readonly<Record<string, string>>, ...more: string[]) =>
  project.shardline(['ci', '-n', '1', '--verbose', '--out', 'out', ...more], settings);

/** The job that coordinates the run, once two tests have passed, and the others. */
async function startThree(url: string, projects: readonly Project[], settings: Readonly<Record<string, string>> = {}) {
  const jobs = projects.map((project, index) => ({ project, job: ci(project, { ...buildkite(url, index + 1), ...settings }) }));
  const first = await Promise.any(
    jobs.map(async ({ job }, index) => {
      await said(job, /PASSED[\s\S]*PASSED/);
      return index;
    }),
  );
  const leader = jobs[first];
  if (leader === undefined) throw new Error('no job coordinates the run');
  return { leader, others: jobs.filter((each) => each !== leader) };
}

test('three jobs run one suite; a killed coordinator is replaced, and nothing is run twice', { timeout: 120_000 }, async () => {
  await using one = await newProject(suite);
  await using two = await newProject(suite);
  await using three = await newProject(suite);
  await using server = await startTcpServer();
  await using receiver = await startReceiver();
  const { leader, others } = await startThree(server.url, [one, two, three], { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
  leader.job.kill('SIGKILL');
  const ended = await Promise.all(others.map(({ job }) => job));
  for (const { exitCode, all: output } of ended) expect(exitCode, output).toBe(0);
  const heirs = others.filter(({ project }) => project.holds('out/report.json'));
  expect(heirs.length).toBe(1);
  const report = await (heirs[0]?.project ?? one).report();
  expect(outcomesOf(report)).toEqual(all);
  expect(report).toMatchObject({ verdict: 'passed', totals: { duplicatesDropped: 0, notRun: 0 } });
  expect(report.agents.map(({ id }) => id.slice(0, 5)).sort()).toEqual(['job1-', 'job2-', 'job3-']);
  for (const { all: output } of ended) expect(output).toMatch(/passed: 16 passed in .*exit 0$/m);
  const { spans } = await decodeTrace(receiver);
  expect(spans.filter(({ name }) => name === 'shardline run')).toHaveLength(1);
  expect(spans.flatMap(({ attributes }) => attributes['test.case.name'] ?? []).sort()).toEqual(Object.keys(all).sort());

  const late = await ci(leader.project, buildkite(server.url, 4));
  expect(late.all).toMatch(/^shardline: run ci-\S+-1 ended .+ ago; this job ran no test$/m);
  expect(late.all).toMatch(/^shardline: run ci-\S+-1: passed: 16 passed /m);
  expect(late.exitCode).toBe(0);
});

test('a coordinator that froze changes nothing when it wakes, and ends with the verdict of the run', { timeout: 180_000 }, async () => {
  const slow = Object.fromEntries(Object.keys(suite).map((file) => [file, body.replaceAll('0.4', '2')]));
  await using one = await newProject(slow);
  await using two = await newProject(slow);
  await using server = await startTcpServer();
  const { leader, others } = await startThree(server.url, [one, two]);
  leader.job.kill('SIGSTOP');
  const [other] = others;
  if (other === undefined) throw new Error('there is no other job');
  await said(other.job, /this job now coordinates run/);
  leader.job.kill('SIGCONT');
  const [woken, heir] = await Promise.all([leader.job, other.job]);
  expect(heir.exitCode, heir.all).toBe(0);
  expect(woken.all).toMatch(/another job now coordinates run \S+\n[\s\S]*passed: 16 passed /);
  expect(woken.exitCode).toBe(0);
  expect(leader.project.holds('out/report.json')).toBe(false);
  expect(outcomesOf(await other.project.report())).toEqual(all);
});

test('a cancelled coordinator reports what it knows, and the others finish the run', { timeout: 120_000 }, async () => {
  await using one = await newProject(suite);
  await using two = await newProject(suite);
  await using server = await startTcpServer();
  const { leader, others } = await startThree(server.url, [one, two]);
  leader.job.kill('SIGTERM');
  const cancelled = await leader.job;
  expect(cancelled.exitCode, cancelled.all).toBe(2);
  expect(await leader.project.report()).toMatchObject({ verdict: 'interrupted' });
  const [other] = await Promise.all(others.map(({ job }) => job));
  expect(other?.exitCode, other?.all).toBe(0);
  expect(outcomesOf(await (others[0]?.project ?? one).report())).toEqual(all);
});

test('a Redis that comes back empty costs no finished result and no coordinator', { timeout: 120_000 }, async () => {
  const slow = Object.fromEntries(Object.keys(suite).map((file) => [file, body.replaceAll('0.4', '1')]));
  await using one = await newProject(slow);
  await using two = await newProject(slow);
  await using server = await startDurableRedis();
  const { leader, others } = await startThree(server.url, [one, two]);
  await server.kill();
  await server.forget();
  await server.start();
  const ended = await Promise.all([leader.job, ...others.map(({ job }) => job)]);
  for (const { exitCode, all: output } of ended) expect(exitCode, output).toBe(0);
  expect(ended[0]?.all).toContain('Redis lost its data');
  expect(ended.map(({ all: output }) => output ?? '').join('\n')).not.toContain('now coordinates run');
  const report = await leader.project.report();
  expect(outcomesOf(report)).toEqual(all);
});

test('a run that restarts goes on with the same jobs, also after its coordinator was killed', { timeout: 180_000 }, async () => {
  const imported = join(await mkdtemp(join(tmpdir(), 'shardline-test-imported-')), 'imported');
  const odd = {
    ...Object.fromEntries(Object.keys(suite).map((file) => [file, body.replaceAll('0.4', '1')])),
    // Only the first xdist worker of both jobs that imports the file fails, so the run restarts with the whole suite.
    'test_odd.py': `import os\nif "PYTEST_XDIST_WORKER" in os.environ:\n    try: os.mkdir("${imported}")\n    except FileExistsError: pass\n    else: raise ImportError("the first")\n\ndef test_odd(): pass\n`,
  };
  await using one = await newProject(odd);
  await using two = await newProject(odd);
  await using server = await startTcpServer();
  const jobs = [one, two].map((project, index) => ({ project, job: ci(project, buildkite(server.url, index + 1), '--collect', 'file') }));
  const leader = await Promise.any(
    jobs.map(async (each) => {
      await said(each.job, /restarting, every worker[\s\S]*PASSED[\s\S]*PASSED/);
      return each;
    }),
  );
  leader.job.kill('SIGKILL');
  await leader.job;
  const heir = jobs.find((each) => each !== leader) ?? leader;
  const { exitCode, all: output } = await heir.job;
  expect(exitCode, output).toBe(0);
  const report = await heir.project.report();
  expect(report).toMatchObject({ restarted: { voidTests: expect.any(Number) } });
  expect(outcomesOf(report)).toEqual({ ...all, 'test_odd.py::test_odd': 'passed' });
  await rm(dirname(imported), { recursive: true });
});

const flaky = {
  'test_good.py': 'def test_good(): pass\n',
  // Fails in the first run only.
  'test_bad.py': 'import os\ndef test_bad(): assert os.environ.get("MENDED")\n',
};

test('a retry runs only what failed; a retry of a green or another run, and --fresh, run everything', { timeout: 240_000 }, async () => {
  await using project = await newProject(flaky);
  await using server = await startTcpServer();
  const again = async (attempt: number, settings: Readonly<Record<string, string>> = {}, ...more: string[]) => {
    const { exitCode, all: output } = await ci(project, { ...buildkite(server.url, 1, attempt), ...settings }, ...more);
    return { exitCode, output, report: await project.report() };
  };
  const first = await again(1);
  expect(first.exitCode, first.output).toBe(1);
  const second = await again(2, { MENDED: '1' });
  expect(second.output).toContain('shardline: retry: re-running 1 test that failed\n');
  expect(second.exitCode, second.output).toBe(0);
  expect(outcomesOf(second.report)).toEqual({ 'test_bad.py::test_bad': 'passed' });
  expect(second.report).toMatchObject({ totals: { flaky: 1 } });

  const third = await again(3, { MENDED: '1' });
  expect(third.exitCode, third.output).toBe(0);
  expect(Object.keys(outcomesOf(third.report)).length).toBe(2);

  expect((await again(4)).exitCode).toBe(1);
  const fresh = await again(5, { MENDED: '1' }, '--fresh');
  expect(Object.keys(outcomesOf(fresh.report)).length).toBe(2);

  expect((await again(6)).exitCode).toBe(1);
  await writeFile(join(project.directory, 'test_new.py'), 'def test_new(): pass\n');
  const changed = await again(7, { MENDED: '1' });
  expect(Object.keys(outcomesOf(changed.report)).length).toBe(3);
});

test('a retry after all jobs were cancelled begins anew, with agents of its own', { timeout: 120_000 }, async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const first = ci(project, buildkite(server.url, 1));
  await said(first, /PASSED/);
  first.kill('SIGTERM');
  expect((await first).exitCode).toBe(2);
  // While the lease of the first job is valid, another one would go on with its run.
  const redis = await connect(server.url, 'test');
  const [leader = ''] = await redis.keys('*:leader');
  await redis.hset(leader, 'expires', 1);
  redis.disconnect();
  const second = await ci(project, buildkite(server.url, 1, 2));
  expect(second.exitCode, second.all).toBe(0);
  const report = await project.report();
  expect(report.runId).toMatch(/-2$/);
  expect(outcomesOf(report)).toEqual(all);
});

test('an error of the arguments is found once, and ends every job', { timeout: 120_000 }, async () => {
  await using one = await newProject(suite);
  await using two = await newProject(suite);
  await using server = await startTcpServer();
  const ended = await Promise.all([one, two].map((project, index) => ci(project, buildkite(server.url, index + 1), 'nowhere')));
  for (const { exitCode, all: output } of ended) expect(exitCode, output).toBe(4);
  const texts = ended.map(({ all: output }) => output ?? '');
  expect(texts.filter((text) => text.includes('shardline: error: pytest rejected its paths')).length).toBe(1);
  expect(texts.filter((text) => text.includes('-1: pytest rejected its paths or options')).length).toBe(1);
});

test('a job with a number runs the whole suite with the others', { timeout: 60_000 }, async () => {
  await using project = await newProject(flaky);
  await using server = await startTcpServer();
  const { exitCode, all: output } = await ci(project, { ...buildkite(server.url, 1), MENDED: '1' }, '--shard', '2/4');
  expect(exitCode, output).toBe(0);
  const report = await project.report();
  expect(report.part).toBe(null);
  expect(Object.keys(outcomesOf(report)).length).toBe(2);
});

test('--exit-own fails only the job that ran the failed test', { timeout: 120_000 }, async () => {
  const files = { ...suite, 'test_bad.py': 'def test_bad(): assert 0\n' };
  await using one = await newProject(files);
  await using two = await newProject(files);
  await using server = await startTcpServer();
  const jobs = [one, two].map((project, index) => ci(project, buildkite(server.url, index + 1), '--exit-own'));
  const ended = await Promise.all(jobs);
  expect(ended.map(({ exitCode }) => exitCode).sort(), ended.map(({ all: output }) => output).join('\n')).toEqual([0, 1]);
});

test('exits with 11 if the Redis of the jobs is unreachable', async () => {
  await using project = await newProject(flaky);
  const { exitCode, all: output } = await ci(project, buildkite('redis://127.0.0.1:1', 1));
  expect(exitCode).toBe(11);
  expect(output).toContain('shardline: error: This job could not reach the Redis that its jobs share: redis://127.0.0.1:1');
  expect(project.holds('out/report.json')).toBe(false);
});

test('outside the known providers, --run-id must name the run', async () => {
  await using project = await newProject(flaky);
  await using server = await startTcpServer();
  const { exitCode, all: output } = await ci(project, { SHARDLINE_REDIS_URL: server.url });
  expect(exitCode).toBe(4);
  expect(output).toContain('Give all jobs of a run the same text: --run-id TEXT.');
});

test('a run that only --run-id names passes nothing without running it', { timeout: 240_000 }, async () => {
  await using project = await newProject({
    'test_data.py': 'import pathlib\ndef test_data(): assert pathlib.Path("data.txt").read_text() == "good"\n',
    'data.txt': 'good',
  });
  await using server = await startTcpServer();
  const nightly = (...more: string[]) => ci(project, { SHARDLINE_REDIS_URL: server.url }, '--run-id', 'nightly', ...more);
  const git = (...args: string[]) => execa('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: project.directory });
  const data = (text: string) => writeFile(join(project.directory, 'data.txt'), text);
  expect((await nightly()).exitCode).toBe(0);
  await data('bad');
  // Outside git, a changed data file does not change the digest of the files.
  const again = await nightly();
  expect(again.exitCode, again.all).toBe(1);
  expect(again.all).toMatch(/run \S+-1 with the same --run-id has ended; running the whole suite again\n/);

  await data('good');
  await git('init', '-q');
  await git('add', 'test_data.py', 'data.txt');
  await git('commit', '-qm', 'one');
  expect((await nightly()).exitCode).toBe(0);
  const late = await nightly();
  expect(late.exitCode, late.all).toBe(0);
  expect(late.all).toMatch(/-1 ended .+ ago; this job ran no test\. Fix: add --fresh to run the suite again\n/);
  const fresh = await nightly('--fresh');
  expect(fresh.all).toMatch(/coordinates run \S+-2 /);
  await data('bad');
  expect((await nightly()).exitCode).toBe(1);
});

test('without a Redis each job runs its part, and a merge of all is whole', { timeout: 180_000 }, async () => {
  await using project = await newProject({ ...flaky, 'test_more.py': 'def test_more(): pass\n' });
  for (const index of [1, 2, 3]) {
    const { exitCode, all: output } = await project.shardline(['ci', '-n', '1', '--out', `part-${index}`, '--timings', `${index}.json`], {
      ...buildkite('', index),
      MENDED: '1',
    });
    expect(output).toContain('SHARDLINE_REDIS_URL is empty: using an embedded Redis');
    expect(output).toMatch(new RegExp(`^Run \\S+: part ${index} of 3`, 'm'));
    expect(exitCode, output).toBe(0);
  }
  const merged = await project.shardline(['report', '--merge', 'part-1', 'part-2', 'part-3']);
  expect(merged.exitCode, merged.all).toBe(0);
  expect(merged.all).toMatch(/^passed: 3 passed /m);

  const alone = await project.shardline(['ci', '-n', '1'], { MENDED: '1' });
  expect(alone.all).toContain('shardline: found no CI provider; running the whole suite. Fix: add --shard I/N to run a part\n');
  expect(alone.exitCode).toBe(0);
});

test('without a Redis, a job of a matrix runs the whole suite', { timeout: 60_000 }, async () => {
  await using project = await newProject({ ...flaky, 'test_more.py': 'def test_more(): pass\n' });
  const matrix = {
    GITLAB_CI: 'true',
    CI_PIPELINE_ID: '1',
    CI_JOB_NAME: 'tests: [3.11]',
    CI_JOB_ID: '7',
    CI_NODE_INDEX: '1',
    CI_NODE_TOTAL: '2',
  };
  const { exitCode, all: output } = await ci(project, { ...matrix, MENDED: '1' });
  expect(output).toContain('shardline: GitLab numbers different jobs together, as those of a matrix; running the whole suite. Fix:');
  expect(exitCode, output).toBe(0);
  expect(Object.keys(outcomesOf(await project.report())).length).toBe(3);

  const planned = await ci(project, matrix, '--plan', 'plan.json');
  expect(planned.exitCode).toBe(4);
  expect(planned.all).toContain('--plan needs the number of the part: GitLab numbers different jobs together, as those of a matrix.');
});

test('durations belong to the suite, so that a new pool for each run loses nothing', { timeout: 120_000 }, async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const settings = (build: string) => ({ ...buildkite(server.url, 1), BUILDKITE_BUILD_ID: build });
  expect((await ci(project, settings('a'))).exitCode).toBe(0);
  expect((await ci(project, settings('b'))).exitCode).toBe(0);
  const { shards } = await project.report();
  expect(shards.every(({ predictedSeconds }) => predictedSeconds < 0.95)).toBe(true);
});

test('no test of the suite sees the Redis of the jobs', { timeout: 60_000 }, async () => {
  const name = 'seen.txt';
  await using project = await newProject({
    'test_env.py': `import os, pathlib\ndef test_env(): pathlib.Path("${name}").write_text(os.environ.get("SHARDLINE_REDIS_URL", "none"))\n`,
  });
  await using server = await startTcpServer();
  const { exitCode, all: output } = await ci(project, buildkite(server.url, 1));
  expect(exitCode, output).toBe(0);
  expect(await readFile(join(project.directory, name), 'utf8')).toBe('none');
});

test('some test runs every command of docs/ci.md', () => {
  const elsewhere = [
    // This file.
    'exec shardline ci tests/',
    `exec shardline ci tests/ --shard \${{ matrix.job }}/4 --deadline 16m --out report`,
    `exec shardline ci --shard \${{ matrix.part }}/4 --plan plan.json --out out`,
    // test/e2e/parts.test.ts plans parts and merges them, and init.test.ts writes this workflow.
    'shardline plan --shards 4 --timings timings.json --out plan.json',
    'exec shardline report --merge parts/* --timings timings.json',
    'shardline init',
    // test/e2e/wheel.test.ts, from the built wheel.
    "pip install -r requirements.txt 'shardline[all]'",
    'pip install -r requirements.txt',
    "pip install 'shardline[all]'",
    "pip install 'shardline[node]'",
  ];
  expect(commandsOf('docs/ci.md').filter((command) => !elsewhere.includes(command))).toEqual([]);
});
