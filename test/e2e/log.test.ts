// The log of a run and of its agents, as an operator reads it: JSON lines with a constant phrase and ids as fields.

import { expect, test } from 'vitest';
import { newProject, type Project } from '../support/shardline.ts';

interface LogLine {
  readonly level: number;
  readonly name: string;
  readonly msg: string;
  readonly run?: string;
  readonly agent?: string;
}

const linesOf = async (project: Project): Promise<readonly LogLine[]> =>
  (await project.read('run.log'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as LogLine);

const phrasesOf = (lines: readonly LogLine[], side: 'run' | 'agent'): readonly string[] =>
  lines.filter(({ name }) => name.startsWith(side)).map(({ msg }) => msg);

test('logs each change of state of a run and its agent once, and nothing on the terminal', async () => {
  await using project = await newProject({ 'test_a.py': 'def test_a():\n    print("printed")\n    assert 0\n' });
  const ran = await project.shardline(['run', '--out', 'out', '--agents', '1', '-n', '1', '--log-file', 'run.log']);
  expect(ran.exitCode, ran.all).toBe(1);
  expect(ran.all).not.toContain('"msg"');
  const lines = await linesOf(project);
  const { runId } = await project.report();
  expect(new Set(lines.flatMap(({ run }) => run ?? []))).toEqual(new Set([runId]));
  // The run, which has all results, may ask its agent to leave before that has stopped by itself.
  const ofAgent = phrasesOf(lines, 'agent').filter((phrase) => phrase !== 'leaving');
  expect(ofAgent).toEqual(['waiting for runs', 'agent joined', 'agent left', 'stopped']);
  expect(phrasesOf(lines, 'run')).toEqual(expect.arrayContaining(['run opened', 'agent joined', 'run closed', 'agent left', 'run ended']));
  expect(lines.find(({ msg }) => msg === 'run ended')).toMatchObject({ level: 30, verdict: 'failed', exitCode: 1, tests: 1, failed: 1 });
  expect(await project.read('run.log')).not.toContain('printed');
});

test('--log-format text logs the same lines for people', async () => {
  await using project = await newProject({ 'test_a.py': 'def test_a(): pass\n' });
  const ran = await project.shardline(['run', '--out', 'out', '-n', '1', '--log-file', 'run.log', '--log-format', 'text']);
  expect(ran.exitCode, ran.all).toBe(0);
  const { runId } = await project.report();
  const log = await project.read('run.log');
  expect(log).toMatch(new RegExp(`^\\S+Z INFO  run ${runId}: run opened run=${runId} pool=default shards=1 deadlineSeconds=null$`, 'm'));
  expect(log).toMatch(new RegExp(`^\\S+Z INFO  agent \\S+: agent joined run=${runId} agent=`, 'm'));
  expect(log).not.toContain('{"');
});

test('logs every attempt if asked to, and the error that ends a command, without its password', async () => {
  await using project = await newProject({ 'test_a.py': 'def test_a(): pass\n' });
  const log = ['--log-file', 'run.log', '--log-level', 'debug'];
  const ran = await project.shardline(['run', '--out', 'out', '--agents', '1', '-n', '1', ...log]);
  expect(ran.exitCode, ran.all).toBe(0);
  const lines = await linesOf(project);
  const started = lines.filter(({ name, msg }) => name.startsWith('agent') && msg === 'attempt started');
  expect(started[0]).toMatchObject({ level: 20, run: expect.any(String), agent: expect.any(String), shard: expect.any(String) });
  expect(lines.filter(({ msg }) => msg === 'attempt enqueued').length).toBeGreaterThan(0);

  const unreachable = await project.shardline(['agent', '--redis', 'redis://:secret@127.0.0.1:1/0', '--max-idle', '1s', ...log]);
  expect(unreachable.exitCode).not.toBe(0);
  expect((await linesOf(project)).at(-1)).toMatchObject({ level: 50, msg: 'failed', code: 'redis-unreachable' });
  expect(await project.read('run.log')).not.toContain('secret');
});
