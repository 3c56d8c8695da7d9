// Fleets in which some agents are unfit: another commit, the wrong folder, a missing package. The verdict is that of plain pytest.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { countedByPlainPytest } from '../support/plain-pytest.ts';
import { testPython } from '../support/python.ts';
import { recordedEvents } from '../support/recorded-events.ts';
import { startTcpServer } from '../support/redis.ts';
import { newProject, outcomesOf, type Project } from '../support/shardline.ts';

type Command = ReturnType<Project['shardline']>;

/** Tests wait until the file named by GATE exists, so that no agent runs the whole suite before the others join. */
const conftest = `
import os, sys, time
import pytest

if "WITHOUT_DEPENDENCY" not in os.environ:
    sys.path.insert(0, os.path.join(os.path.dirname(__file__), "vendor"))

@pytest.fixture(autouse=True)
def gate():
    while "GATE" in os.environ and not os.path.exists(os.environ["GATE"]):
        time.sleep(0.02)
`;
const body = 'import dependency\ndef test_x(): assert dependency.VALUE\n';
const suite = {
  'good/conftest.py': conftest,
  'good/vendor/dependency.py': 'VALUE = 1\n',
  ...Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`good/test_${index}.py`, body])),
};
const out = ['--out', 'out'];

const git = (cwd: string, ...args: readonly string[]) =>
  execa('git', ['-c', 'user.name=Tester', '-c', 'user.email=tester@example.org', ...args], { cwd });

async function commit(project: Project, message: string): Promise<void> {
  const cwd = join(project.directory, 'good');
  await git(cwd, 'init', '--quiet');
  await git(cwd, 'add', '--all');
  await git(cwd, 'commit', '--quiet', '--message', message);
}

/** Everything the command has printed so far. */
function listen(command: Command): () => string {
  let text = '';
  command.all.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return () => text;
}

const agentIn = (project: Project, name: string, settings: Readonly<Record<string, string>>, workspace = name): Command =>
  project.shardline(['agent', '--name', name, '-n', '1', '--workspace', workspace], settings);

async function end(...agents: readonly Command[]): Promise<void> {
  for (const agent of agents) agent.kill('SIGTERM');
  await Promise.all(agents);
}

test.each([
  ['suite', /Quarantined agent lacking-/],
  ['file', /ERROR collecting \S+ \(lacking-/],
])('--collect %s: a mixed fleet gives the verdict of plain pytest, and both sides log why an agent is unfit', async (collect, weighed) => {
  // On one machine an agent is blamed for a collection error only if its packages differ.
  const name = 'packages/other_package-2.0.dist-info/METADATA';
  await using project = await newProject({ ...suite, [name]: 'Metadata-Version: 2.1\nName: other-package\nVersion: 2.0\n' });
  await using server = await startTcpServer();
  const gate = join(project.directory, 'gate');
  const settings = { SHARDLINE_REDIS_URL: server.url, GATE: gate };
  const lacking = { ...settings, WITHOUT_DEPENDENCY: '1', PYTHONPATH: join(project.directory, 'packages') };
  await commit(project, 'first');
  await git(project.directory, 'clone', '--quiet', 'good', 'old');
  await writeFile(join(project.directory, 'good', 'test_bad.py'), 'def test_bad(): assert 0\n');
  await commit(project, 'second');
  await git(project.directory, 'clone', '--quiet', 'good', 'lacking');
  await mkdir(join(project.directory, 'wrong'));

  const agents = [
    agentIn(project, 'old', settings),
    agentIn(project, 'wrong', settings),
    agentIn(project, 'lacking', lacking),
    agentIn(project, 'good', settings),
  ] as const;
  const [ofOld, ofWrong, ofLacking] = agents.map(listen);
  const running = project.shardline(['run', '--workspace', 'good', '--collect', collect, ...out], settings);
  const said = listen(running);
  await eventually('two agents joined', () => /Agent good-\S+ joined/.test(said()) && /Agent lacking-\S+ joined/.test(said()), 60);
  await eventually('the one without the dependency has failed at a file', () => weighed.test(said()), 60);
  await writeFile(gate, '');
  const result = await running;
  await end(...agents);

  const plain = await countedByPlainPytest(testPython(), join(project.directory, 'good'), []);
  expect(result.exitCode, result.all).toBe(1);
  const report = await project.report();
  expect(outcomesOf(report)).toEqual(plain.outcomes);
  expect(report.collectErrors).toEqual([]);
  const ends = Object.fromEntries(report.agents.map(({ id, ended, why }) => [id.replace(/-\w+$/, ''), [ended, why]]));
  expect(ends).toEqual({
    good: ['left', null],
    old: ['refused', expect.stringMatching(/differs from the run's: another commit \([0-9a-f]{12}; the run has [0-9a-f]{12}\)$/)],
    wrong: ['refused', expect.stringContaining('other Python or configuration files')],
    lacking: ['quarantined', expect.stringMatching(/^it could not collect test_\d+\.py, and agent good-\w+ could$/)],
  });
  expect(said()).toMatch(
    /Refused agent old-\S+: its workspace differs from the run's: another commit .* Fix: check out the run's commit there/,
  );
  expect(said()).toMatch(
    /Quarantined agent lacking-\S+: it could not collect test_\d+\.py, and agent good-\S+ could\. Re-queued its work\./,
  );
  expect(ofOld?.()).toMatch(
    /cannot join run \S+: its workspace differs from the run's: another commit \([0-9a-f]{12}; the run has [0-9a-f]{12}\)/,
  );
  expect(ofWrong?.()).toContain("its workspace differs from the run's: other Python or configuration files");
  expect(ofLacking?.()).toMatch(/left run \S+: it could not collect test_\d+\.py/);
});

test('a run whose only agent is refused names the refusal and exits 11', async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  await commit(project, 'first');
  await git(project.directory, 'clone', '--quiet', 'good', 'changed');
  await writeFile(join(project.directory, 'changed', 'test_0.py'), 'def test_x(): pass\n');
  const agent = agentIn(project, 'changed', settings);
  const result = await project.shardline(['run', '--workspace', 'good', '--wait-agents', '6s', ...out], settings);
  await end(agent);
  expect(result.exitCode, result.all).toBe(11);
  expect(result.all).toMatch(/All agents were refused \(changed-\w+\): see above\./);
  expect(result.all).toMatch(/REFUSED agent changed-\w+ on \S+ - .*: uncommitted changes in 1 file \(the run has none\)/);
  const { tests, notRun } = await project.report();
  expect(tests).toEqual([]);
  expect(new Set(notRun.map(({ reason }) => reason))).toEqual(new Set(['no-agent']));
});

test('with --fingerprint warn an agent that differs runs tests, and the run warns about it', async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  await commit(project, 'first');
  await git(project.directory, 'clone', '--quiet', 'good', 'changed');
  await writeFile(join(project.directory, 'changed', 'test_0.py'), 'def test_x(): pass\n');
  const agent = agentIn(project, 'changed', settings);
  const result = await project.shardline(['run', '--workspace', 'good', '--fingerprint', 'warn', ...out], settings);
  await end(agent);
  expect(result.exitCode, result.all).toBe(0);
  expect(result.all).toMatch(/warning: agent changed-\w+ differs from the run: uncommitted changes in 1 file/);
  expect((await project.report()).agents[0]?.differences).toMatchObject([expect.stringContaining('uncommitted changes in 1 file')]);
});

test('refuses an agent that lacks a plugin of the run, and warns about one with other packages', async () => {
  await using project = await newProject({
    ...suite,
    'plugin/fake_plugin.py': '',
    'plugin/fake_plugin-1.0.dist-info/METADATA': 'Metadata-Version: 2.1\nName: fake-plugin\nVersion: 1.0\n',
    'plugin/fake_plugin-1.0.dist-info/entry_points.txt': '[pytest11]\nfake = fake_plugin\n',
    'package/some_package-2.0.dist-info/METADATA': 'Metadata-Version: 2.1\nName: some-package\nVersion: 2.0\n',
  });
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const plugin = join(project.directory, 'plugin');
  const both = `${plugin}:${join(project.directory, 'package')}`;
  const gate = join(project.directory, 'gate');
  const gated = { ...settings, GATE: gate };
  const agents = [agentIn(project, 'bare', gated, 'good'), agentIn(project, 'other', { ...gated, PYTHONPATH: both }, 'good')];
  const running = project.shardline(['run', '--workspace', 'good', ...out], { ...gated, PYTHONPATH: plugin });
  const said = listen(running);
  const refusal = /Refused agent bare-\S+: .*: no fake-plugin \(the run has 1\.0\)\. Its results do not count\./;
  await eventually('both have come to the run', () => refusal.test(said()) && /Agent other-\S+ joined/.test(said()), 60);
  await writeFile(gate, '');
  const result = await running;
  await end(...agents);
  expect(result.exitCode, result.all).toBe(0);
  expect(said()).toMatch(/warning: agent other-\S+ differs from the run: some-package 2\.0 \(the run has none\)/);
  const report = await project.report();
  expect(report.fingerprint?.python?.plugins).toMatchObject({ 'fake-plugin': '1.0' });
  expect(report.agents).toMatchObject([
    { ended: 'refused', differences: [] },
    { why: null, differences: ['some-package 2.0 (the run has none)'] },
  ]);
  expect(report.tests.flatMap(({ attempts }) => attempts.map(({ agent }) => agent.replace(/-\w+$/, '')))).toEqual(
    Array.from({ length: 12 }, () => 'other'),
  );
});

test('files written during the run do not make agents of the same workspace differ', async () => {
  const writing = 'from pathlib import Path\ndef test_x(): Path(__file__).with_name("written_here.py").write_text("")\n';
  await using project = await newProject({ ...suite, 'good/test_0.py': writing });
  await using server = await startTcpServer();
  const gate = join(project.directory, 'gate');
  const settings = { SHARDLINE_REDIS_URL: server.url };
  await commit(project, 'first');
  const running = project.shardline(['run', '--workspace', 'good', '--agents', '1', '-n', '1', '--verbose', ...out], {
    ...settings,
    GATE: gate,
  });
  const said = listen(running);
  await eventually('the local agent joined', () => /joined: 1 worker/.test(said()), 60);
  await writeFile(join(project.directory, 'good', 'written_before.py'), '');
  const late = agentIn(project, 'late', { ...settings, GATE: gate }, 'good');
  await eventually('the late agent joined', () => /Agent late-\S+ joined/.test(said()), 60);
  await writeFile(gate, '');
  const result = await running;
  await end(late);
  expect(result.exitCode, result.all).toBe(0);
  const { agents } = await project.report();
  expect(agents.map(({ why, differences }) => [why, differences])).toEqual([
    [null, []],
    [null, []],
  ]);
});

test.each(['suite', 'file'])('with --collect %s a file that no agent can collect is one collection error', async (collect) => {
  await using project = await newProject({ ...suite, 'good/test_broken.py': 'import there_is_no_such_module\n' });
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const result = await project.shardline(
    ['run', '--workspace', 'good', '--agents', '2', '-n', '1', '--collect', collect, ...out],
    settings,
  );
  expect(result.exitCode, result.all).toBe(1);
  const report = await project.report();
  expect(report.collectErrors.map(({ file }) => file)).toEqual(['test_broken.py']);
  expect(report.totals).toMatchObject({ expected: 12, passed: 12, notRun: 0 });
  expect(report.agents.filter(({ why }) => why !== null)).toEqual([]);
  const events = await recordedEvents(join(project.directory, 'out', 'events.ndjson'));
  const rechecks = events.filter((event) => event.kind === 'attempt-enqueued' && event.role === 'recheck');
  expect(rechecks.length).toBeLessThanOrEqual(collect === 'suite' ? 0 : 1);
});
