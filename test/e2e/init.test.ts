// `shardline init`: what it finds in a repository, and that each provider accepts what it writes.

import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { newProject } from '../support/shardline.ts';
import { validated } from '../support/workflow-schema.ts';

const workflow = `name: ci
on: [push]
jobs:
  lint:
    runs-on: ubuntu-latest
    steps: [{ uses: actions/checkout@v4 }, { run: ruff check }]
  tests:
    runs-on: \${{ matrix.os }}
    strategy:
      matrix:
        os: [ubuntu-22.04, ubuntu-24.04]
        python-version: ["3.11", "3.12"]
    services:
      postgres: { image: "postgres:16", ports: ["5432:5432"] }
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: { python-version: "\${{ matrix.python-version }}", cache: pip }
      - run: |
          pip install -r requirements.txt
          pip install -e '.[test]'
      - name: Test
        run: |
          python -m pytest tests/unit -n auto -m "not slow" \\
            --junitxml=junit.xml
      - uses: codecov/codecov-action@v4
`;
const plain = { 'requirements.txt': 'pytest\n', 'pyproject.toml': '[project]\nname = "x"\nrequires-python = ">=3.10"\n' };

const providers = ['github', 'gitlab', 'circleci', 'buildkite', 'azure'] as const;

test.each(providers)('%s accepts the workflow, with parts and with a queue', { timeout: 300_000 }, async (provider) => {
  await using known = await newProject({ '.github/workflows/ci.yml': workflow });
  await using unknown = await newProject(plain);
  for (const project of [known, unknown]) {
    for (const mode of [[], ['--redis']]) {
      const { exitCode, stdout, stderr } = await project.shardline(['init', '--provider', provider, ...mode]);
      expect(exitCode, stderr).toBe(0);
      expect(await validated(provider, stdout), stdout).toBe('ok -- validation done');
      expect(stderr).toMatch(/^Next: /m);
      expect(stdout).toContain('shardline ci');
    }
  }
});

test('keeps the job that runs pytest: its steps, services, matrix and arguments', async () => {
  await using project = await newProject({ '.github/workflows/ci.yml': workflow });
  const { stdout, stderr } = await project.shardline(['init', '--jobs', '3']);
  expect(stderr).toContain('found `pytest tests/unit -m "not slow"` in .github/workflows/ci.yml, on Python 3.11, 3.12');
  const { jobs } = parse(stdout);
  const old = parse(workflow).jobs.tests;
  expect(stderr).toContain('skipped 1 step after pytest: codecov/codecov-action@v4. Add what you need to the last job');
  expect(Object.keys(jobs)).toEqual(['plan', 'part', 'verdict']);
  for (const job of [jobs.plan, jobs.part]) {
    expect(job).toMatchObject({ 'runs-on': old['runs-on'], services: old.services, strategy: { matrix: old.strategy.matrix } });
    expect(job.steps.slice(0, 3)).toEqual(old.steps.slice(0, 3));
  }
  expect(jobs.part.strategy.matrix.part).toEqual([1, 2, 3]);
  const lines = (job: { steps: { run?: string }[] }): string[] => job.steps.flatMap(({ run }) => run ?? []);
  expect(lines(jobs.part).at(-1)).toBe(
    `exec shardline ci tests/unit -n auto --shard \${{ matrix.part }}/3 --plan plan.json --out out -- -m "not slow"`,
  );
  expect(lines(jobs.plan).at(-1)).toBe('shardline plan tests/unit --shards 3 --timings timings.json --out plan.json -- -m "not slow"');
  expect(lines(jobs.verdict).at(-1)).toBe('exec shardline report --merge parts/* --timings timings.json --junit-xml junit.xml');
  // Each leg of the old matrix is a run of its own.
  const queue = parse((await project.shardline(['init', '--redis'])).stdout).jobs.tests;
  expect(lines(queue).at(-1)).toContain(`--run-id "\${{ matrix.os }}"`);
});

test.each([
  [
    'entries only',
    'include: [{ db: pg, "python-version": "3.12" }, { db: mysql, "python-version": "3.13" }]',
    8,
    ['db', 'part', 'python-version'],
    '',
  ],
  ['a splitter', 'group: [1, 2, 3, 4]\n        db: [pg]', null, ['db', 'part'], ''],
  ['its own part', 'part: [a, b]', null, ['part', 'shardline-part'], ''],
  ['an expression', `\${{ fromJSON(needs.list.outputs.matrix) }}`, null, ['part'], 'left out the matrix of the job: it is an expression.'],
  [
    'entries beside axes',
    'os: [a]\n        include: [{ os: b }]',
    null,
    ['part'],
    'left out the matrix of the job: it adds entries with `include`',
  ],
] as const)('keeps a matrix with %s', async (_, matrix, entries, names, note) => {
  const job = `on: push
permissions: { contents: read }
jobs:
  tests:
    runs-on: ubuntu-latest
    concurrency: tests
    strategy:
      matrix: ${matrix.startsWith('$') ? matrix : `\n        ${matrix}`}
    steps:
      - uses: actions/checkout@v4
      - run: pytest --splits 4 --group \${{ matrix.group }}
`;
  await using project = await newProject({ '.github/workflows/ci.yml': job });
  const { stdout, stderr } = await project.shardline(['init']);
  const content = parse(stdout);
  expect(content.permissions).toEqual({ contents: 'read' });
  const { concurrency, strategy } = content.jobs.part;
  expect(concurrency).toBeUndefined();
  const legs = strategy.matrix.include as Record<string, unknown>[] | undefined;
  if (entries !== null) expect(legs?.length).toBe(entries);
  expect(Object.keys(legs?.[0] ?? strategy.matrix).sort()).toEqual([...names].sort());
  expect(stderr).toContain(note);
});

test('writes only with --write, and never overwrites', async () => {
  await using project = await newProject(plain);
  const path = '.github/workflows/shardline.yml';
  const shown = await project.shardline(['init']);
  expect(project.holds('.github')).toBe(false);
  expect(shown.stdout).toContain('pip install -r requirements.txt');
  expect(shown.stdout).toContain('python-version: "3.13"');
  const written = await project.shardline(['init', '--write']);
  expect(written.exitCode, written.all).toBe(0);
  expect((await project.read(path)).trim()).toBe(shown.stdout);
  const again = await project.shardline(['init', '--write']);
  expect(again.exitCode).toBe(4);
  expect(again.stderr).toContain(`shardline: error: ${path} exists already.`);
});

test('reports invalid YAML and continues', async () => {
  await using project = await newProject({ ...plain, '.gitlab-ci.yml': 'a: [\n' });
  const { exitCode, stderr } = await project.shardline(['init']);
  expect(exitCode).toBe(0);
  expect(stderr).toContain('.gitlab-ci.yml is not valid YAML, so nothing was read from it.');
});

const job = (fields: string, python: string): string => `on: push
jobs:
  tests:
    runs-on: ubuntu-latest
    ${fields}
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: { python-version: ${python} }
      - run: pytest --junitxml=a.xml --splits 4 --group 1 --store-durations tests
`;
const axis = `"\${{ matrix.python }}"`;

test('installs a Redis server only on the legs whose Python gets none from pip', async () => {
  await using project = await newProject({
    ...plain,
    '.github/workflows/ci.yml': job('strategy: { matrix: { python: ["3.10", "3.13"] } }', axis),
  });
  const { stdout, stderr } = await project.shardline(['init']);
  expect(stderr).toContain('in .github/workflows/ci.yml, on Python 3.10, 3.13\n');
  const { part, verdict } = parse(stdout).jobs;
  const step = part.steps.find(({ name }: { name?: string }) => name === 'Install a Redis server');
  expect(step.if).toBe(`contains(fromJSON('["3.10"]'), matrix.python)`);
  expect(step.run).toMatch(/^# .*\nsudo apt-get update && sudo apt-get install -y redis-server$/);
  expect(verdict.steps[1].with['python-version']).toBe(`\${{ matrix.python }}`);
  const queue = parse((await project.shardline(['init', '--redis'])).stdout).jobs.tests;
  expect(queue.steps.map((each: { if?: string }) => each.if)).toContain(`${step.if} && env.SHARDLINE_REDIS_URL == ''`);
});

test.each(providers)('%s gets a Redis server in each part on Python 3.9', async (provider) => {
  await using project = await newProject({ '.python-version': '3.9.18\n' });
  for (const mode of [[], ['--redis']]) {
    const { stdout, stderr } = await project.shardline(['init', '--provider', provider, ...mode]);
    if (provider === 'buildkite') expect(stderr).toContain('Before Python 3.11, the agents need redis-server');
    else expect(stdout.match(/apt-get install -y redis-server/g)?.length).toBe(1);
    expect(stdout).toContain("pip install 'shardline[all]'\n");
    if (mode.length > 0) expect(stdout).not.toContain("pip install 'shardline[node]'");
  }
});

test.each([
  ['timeout-minutes: 60', '--deadline 55m'],
  ['timeout-minutes: 10', '--deadline 8m'],
  ['timeout-minutes: 1', ''],
  [`timeout-minutes: \${{ inputs.limit }}`, ''],
  ['env: {}', '--deadline 16m'],
])('a queue under `%s` ends before its job: %s', async (limit, deadline) => {
  await using project = await newProject({ '.github/workflows/ci.yml': job(limit, '"3.12"') });
  const { stdout, stderr } = await project.shardline(['init', '--redis']);
  const line = stdout.split('\n').find((each) => each.includes('shardline ci')) ?? '';
  expect(line).toContain([`--shard \${{ matrix.job }}/4`, deadline, '--out out'].filter((each) => each !== '').join(' '));
  expect(stderr).toContain('jobs without SHARDLINE_REDIS_URL, such as those of pull requests from forks, run a fixed part each');
});

test('prints what it left out, and what remains to do', async () => {
  await using project = await newProject({ '.github/workflows/ci.yml': job('env: {}', '"3.12"') });
  const parts = await project.shardline(['init', '--jobs', '3']);
  expect(parts.stderr).toContain('left out --splits 4 --group 1 --store-durations: shardline divides the suite itself');
  expect(parts.stderr).toContain('moved --junit-xml a.xml to the last job');
  expect(parts.stderr).toContain('nothing written. Fix: `shardline init --jobs 3 --write`');
  expect(parts.stderr).toContain('Next: Make the job `verdict` a required check.');
  expect(parts.stderr).toContain('Next: Once it is green, remove what runs pytest from .github/workflows/ci.yml.');
  for (const text of [parts.stdout, parts.stderr]) expect(text).toContain('shardline is not on PyPI yet.');
  const queue = await project.shardline(['init', '--redis']);
  expect(queue.stderr).toContain('left out --junit-xml a.xml: the reports of each job include junit.xml');
  await using empty = await newProject(plain);
  expect((await empty.shardline(['init'])).stderr).not.toContain('remove what runs pytest');
});

test.each(providers)('%s restores and keeps the durations, or does not ask for them', async (provider) => {
  await using project = await newProject(plain);
  const { stdout } = await project.shardline(['init', '--provider', provider]);
  const isCached = /actions\/cache\/save|save_cache|pull-push|task: Cache@2/.test(stdout);
  expect(stdout.includes('--timings')).toBe(isCached);
  expect(isCached).toBe(provider !== 'buildkite');
});

test('a failed part of CircleCI fails its job after it has passed on its report', async () => {
  await using project = await newProject(plain);
  const { stdout } = await project.shardline(['init', '--provider', 'circleci']);
  const { jobs, workflows } = parse(stdout);
  const [line, persist, last] = jobs.part.steps.slice(-3);
  expect(persist).toHaveProperty('persist_to_workspace');
  const script = `${line.run.command.replace(/^shardline ci .* \|\|/, '(exit 7) ||')}\n${last.run.command}`;
  const { exitCode } = await execa('bash', ['-eo', 'pipefail', '-c', script], { cwd: project.directory, reject: false });
  expect(exitCode).toBe(7);
  expect(workflows.tests.jobs).toContainEqual({ verdict: { requires: [{ part: ['success', 'failed'] }] } });
});

test('writes the workflow that docs/ci.md shows', async () => {
  await using project = await newProject({ 'requirements.txt': 'pytest\n' });
  const { stdout } = await project.shardline(['init', '--provider', 'github']);
  const page = readFileSync(new URL('../../docs/ci.md', import.meta.url), 'utf8');
  const shown = Array.from(page.matchAll(/```yaml\n([\s\S]*?)```/g), ([, block = '']) => block).find((block) =>
    block.startsWith('name: tests'),
  );
  expect(stdout.replaceAll(/^#.*\n/gm, '').trim()).toBe(shown?.trim());
});
