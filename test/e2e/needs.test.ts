// Labels and resources with real pytest: `@pytest.mark.requires`, `@pytest.mark.resource` and [tool.shardline.resources].

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connect } from '../../shared/redis/connect.ts';
import { poolKeys, UNITS_VERSION_FIELD } from '../../shared/redis/keys.ts';
import { startTcpServer } from '../support/redis.ts';
import { said } from '../support/said.ts';
import { newProject, outcomesOf } from '../support/shardline.ts';

/** Each test writes when it held the resource. */
const HOLD = `
import os, pathlib, time
def hold(name):
    began = time.time()
    time.sleep(0.15)
    with open(pathlib.Path(os.environ["HELD"]) / name, "a") as file:
        file.write(f"{began} {time.time()}\\n")
`;

const holding = (name: string, mark: string): string => `import pytest
from hold import hold
${mark}
@pytest.mark.parametrize("x", range(3))
def test_${name}(x): hold("db")
def test_free_${name}(): pass
`;

const suite = {
  'hold.py': HOLD,
  'test_one.py': holding('one', '@pytest.mark.resource("db")'),
  'test_two.py': holding('two', '@pytest.mark.resource("db")'),
  'pay/test_pay.py': holding('pay', ''),
  'pyproject.toml': `[tool.pytest.ini_options]
addopts = "--strict-markers"
pythonpath = ["."]
[tool.shardline.resources]
db = { limit = 1, tests = ["pay/**"] }
`,
};

/** The largest number of holders at once. */
function mostAtOnce(directory: string): number {
  const spans = readFileSync(join(directory, 'db'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  return Math.max(...spans.map(([at = 0]) => spans.filter(([from = 0, to = 0]) => from <= at && at < to).length));
}

test('never uses a resource above its limit, in the first run and when its needs are known', { timeout: 180_000 }, async () => {
  await using project = await newProject(suite);
  for (const collect of ['suite', 'file', 'file']) {
    const settings = { HELD: project.directory };
    const run = await project.shardline(['run', '--agents', '2', '-n', '2', '--collect', collect, '--out', 'out'], settings);
    expect(run.exitCode, run.all).toBe(0);
    const report = await project.report();
    expect(Object.keys(outcomesOf(report))).toHaveLength(12);
    expect(mostAtOnce(project.directory)).toBe(1);
    const waits = report.waits.flatMap(({ resources, seconds }) => (seconds > 0 ? resources : []));
    expect(new Set(waits)).toEqual(new Set(['db']));
  }
});

/** Each test takes one of two places, and fails if another test has both. */
const shared = `import os, pathlib, time
import pytest
places = pathlib.Path(os.environ["HELD"])
@pytest.mark.resource("db")
@pytest.mark.parametrize("x", range(4))
def test_shared(x):
    began = time.time()
    for place in ("place1", "place2"):
        try:
            os.close(os.open(places / place, os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError:
            pass
    else:
        pytest.fail("more than two tests use the resource")
    time.sleep(0.2)
    os.unlink(places / place)
    with open(places / os.environ["SPANS"], "a") as spans:
        spans.write(f"{began} {time.time()}\\n")
`;

test('never uses a resource above its limit in two runs of one pool', { timeout: 180_000 }, async () => {
  await using project = await newProject({
    ...Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`test_${index}.py`, shared])),
    'held/.keep': '',
  });
  await using server = await startTcpServer();
  const runOf = (name: string) =>
    project.shardline(['run', '--agents', '1', '-n', '3', '--collect', 'suite', '--resources', 'db=2', '--out', name], {
      SHARDLINE_REDIS_URL: server.url,
      HELD: join(project.directory, 'held'),
      SPANS: name,
    });
  const [one, two] = await Promise.all([runOf('one'), runOf('other')]);
  expect(one.exitCode, one.all).toBe(0);
  expect(two.exitCode, two.all).toBe(0);
  // Both runs used the resource in the same seconds.
  const [first, second] = ['one', 'other'].map((name) => spanOf(join(project.directory, 'held', name)));
  expect(Math.max(first?.from ?? 0, second?.from ?? 0)).toBeLessThan(Math.min(first?.to ?? 0, second?.to ?? 0));
  const redis = await connect(server.url, 'test');
  expect(await redis.hkeys(poolKeys('default').units)).toEqual([UNITS_VERSION_FIELD]);
  expect(await redis.pttl(poolKeys('default').units)).toBeGreaterThan(0);
  redis.disconnect();
});

function spanOf(path: string): { readonly from: number; readonly to: number } {
  const times = readFileSync(path, 'utf8').trim().split(/\s+/).map(Number);
  return { from: Math.min(...times), to: Math.max(...times) };
}

const labelled = {
  'test_a.py': `import pytest
@pytest.mark.requires("gpu")
def test_gpu(): pass
def test_plain(): pass
`,
};

test.each(['file', 'suite'])('reports a test that no agent can take at once, collected by %s', { timeout: 120_000 }, async (collect) => {
  await using project = await newProject(labelled);
  const run = await project.shardline(['run', '--agents', '2', '-n', '1', '--collect', collect, '--out', 'out']);
  expect(run.exitCode, run.all).toBe(11);
  expect(run.stderr).toContain(
    'Not run: tests in test_a.py need the label gpu. Fix: add `--label gpu` if this machine has what they need,',
  );
  expect(run.stderr).not.toContain('tests wait');
  const report = await project.report();
  expect(report).toMatchObject({
    verdict: 'incomplete',
    totals: { passed: 1, notRun: 1 },
    notRun: [{ nodeid: 'test_a.py::test_gpu', reason: 'unmet-needs', lacks: 'the label gpu' }],
  });
});

test('runs a test on the agent that has its label, and learns which test needs it', { timeout: 180_000 }, async () => {
  await using project = await newProject(labelled);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const agents = [
    project.shardline(['agent', '--name', 'plain', '-n', '1'], settings),
    project.shardline(['agent', '--name', 'big', '-n', '1', '--label', 'gpu', '--label', 'fast'], settings),
  ];
  await Promise.all(agents.map((agent) => said(agent, /waiting for runs/)));
  for (const [round, shards] of [2, 2].entries()) {
    const run = await project.shardline(['run', '--collect', 'file', '--out', 'out'], settings);
    expect(run.exitCode, run.all).toBe(0);
    const report = await project.report();
    const byTest = new Map(report.tests.map(({ nodeid, attempts }) => [nodeid as string, attempts[0]?.agent ?? '']));
    expect(byTest.get('test_a.py::test_gpu')).toMatch(/^big-/);
    // Once the needs are known, the file is planned in two shards, and no attempt leaves a test to another.
    if (round > 0) expect(report.shards.map(({ state }) => state)).toEqual(Array(shards).fill('done'));
  }
  for (const agent of agents) agent.kill('SIGTERM');
  await Promise.all(agents);
});

test.each([
  ['without a unit', '@pytest.mark.resource("db", n=0)', 'and a positive number n'],
  ['beyond the limits', '@pytest.mark.resource("memory-bytes", n=2_000_000)', 'resource("memory-bytes"): n is more than 1000000'],
])('counts a mark %s as an error of its file', { timeout: 60_000 }, async (_, mark, message) => {
  await using project = await newProject({ 'test_a.py': `import pytest\n${mark}\ndef test_a(): pass\n` });
  for (const collect of ['file', 'suite']) {
    const run = await project.shardline(['run', '-n', '1', '--collect', collect, '--out', 'out']);
    expect(run.exitCode, run.all).toBe(1);
    expect((await project.report()).collectErrors).toMatchObject([{ message: expect.stringContaining(message) }]);
  }
});
