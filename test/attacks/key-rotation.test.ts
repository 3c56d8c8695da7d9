// A run under --verify require goes on while all of its keys are replaced: add the new ones, switch to them, remove the old ones.

import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodeEnvelope } from '../../shared/wire/envelope.ts';
import { eventually } from '../support/eventually.ts';
import { startTcpServer } from '../support/redis.ts';
import { said } from '../support/said.ts';
import { newProject, outcomesOf } from '../support/shardline.ts';

/** A test ends only while fewer tests have ended than the file `budget` allows. */
const conftest = `import pathlib, time, pytest
here = pathlib.Path(__file__).parent
@pytest.fixture(autouse=True)
def budgeted(request):
    while len((here / "ended").read_text().split()) >= int((here / "budget").read_text()): time.sleep(0.05)
    with (here / "ended").open("a") as ended: ended.write(request.node.nodeid + "\\n")
`;
const files = Array.from({ length: 20 }, (_, index) => `test_${String(index).padStart(2, '0')}.py`);
const allPassed = Object.fromEntries(files.map((file) => [`${file}::test_it`, 'passed']));
const AGENTS = ['a', 'b', 'c'];

test('a run with three agents passes while the keys of its agents and its coordinator are replaced', { timeout: 240_000 }, async () => {
  const suite = Object.fromEntries(files.map((file) => [file, 'def test_it(): pass\n']));
  await using project = await newProject({ 'conftest.py': conftest, ended: '', ...suite });
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const write = async (name: string, text: string): Promise<void> => {
    const path = join(project.directory, name);
    await writeFile(`${path}.unfinished`, text);
    await rename(`${path}.unfinished`, path);
  };
  const endedTests = async (): Promise<number> => (await project.read('ended')).split('\n').filter(Boolean).length;
  const letEnd = async (tests: number): Promise<void> => {
    await write('budget', String(tests));
    await eventually(`${tests} tests have ended`, async () => (await endedTests()) >= tests, 90);
  };
  /** Names the keys of these generations as trusted, for the agents and for the coordinator. */
  const trust = async (...generations: readonly string[]): Promise<void> => {
    const read = (name: string): Promise<string> => project.read(`${name}.pub`);
    const runKeys = await Promise.all(generations.map((each) => read(`${each}.run`)));
    const agentKeys = await Promise.all(generations.map((each) => read(`${each}.agent`)));
    await write('trusted-by-agents', runKeys.join(''));
    await write('trusted-by-run', [...agentKeys, ...runKeys.map((text) => `Use: coordinator\n${text}`)].join(''));
  };
  const startAgents = (step: string, generation: string) =>
    AGENTS.map((name) => {
      const keys = ['--sign-key', `${generation}.agent`, '--trust', 'trusted-by-agents'];
      return project.shardline(['agent', '--name', `${step}-${name}`, '-n', '1', ...keys], settings);
    });
  const startRun = (generation: string, ...more: readonly string[]) => {
    const keys = ['--sign-key', `${generation}.run`, '--trust', 'trusted-by-run', '--verify', 'require'];
    return project.shardline(['run', ...more, ...keys, '--collect', 'file', '--speculate', 'off', '--verbose'], settings);
  };

  for (const name of ['old.run', 'old.agent', 'new.run', 'new.agent']) expect((await project.shardline(['keygen', name])).exitCode).toBe(0);
  let agents: ReturnType<typeof startAgents> = [];
  /** Replaces every agent: each reads its keys when it starts. */
  const replaceAgents = async (step: string, generation: string): Promise<void> => {
    const before = agents;
    agents = startAgents(step, generation);
    await Promise.all(agents.map((agent) => said(agent, /waiting for runs/)));
    for (const agent of before) agent.kill('SIGTERM');
    for (const { exitCode, all } of await Promise.all(before)) expect(exitCode, all).toBe(0);
  };
  try {
    await write('budget', '0');
    await trust('old');
    await replaceAgents('first', 'old');
    const first = startRun('old', '--out', 'first');
    const [, id = ''] = await said(first, /Run (\S+):/);
    await letEnd(4);

    // Add.
    await trust('old', 'new');
    await replaceAgents('added', 'old');
    await letEnd(8);
    // Switch, the coordinator and then the agents.
    first.kill('SIGKILL');
    await first;
    const second = startRun('new', '--resume', id, '--out', 'second');
    await said(second, /Resumed run/);
    await letEnd(12);
    await replaceAgents('switched', 'new');
    await letEnd(16);
    // Remove.
    await trust('new');
    await replaceAgents('removed', 'new');
    await write('budget', '1000');
    const { exitCode, all } = await second;
    expect(exitCode, all).toBe(0);

    const report = await project.report('second');
    expect(outcomesOf(report)).toEqual(allPassed);
    expect(report).toMatchObject({ verdict: 'passed', rejected: [], conflicts: [], totals: { notRun: 0 } });
    const steps = report.tests.map(({ attempts }) => attempts.at(-1)?.agent.split('-')[0]);
    expect(new Set(steps)).toEqual(new Set(['first', 'added', 'switched', 'removed']));
    const messages = (await readFile(join(project.directory, 'second', 'events.ndjson'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => decodeEnvelope(line, 'x'));
    const keysOf = (kind: string): number => new Set(messages.filter(({ type }) => type === kind).map(({ keyId }) => keyId)).size;
    expect([keysOf('record'), keysOf('events')]).toEqual([2, 2]);
    expect(messages.every(({ signature }) => signature !== '')).toBe(true);

    // The old key commands nobody any more.
    const late = await startRun('old', '--wait-agents', '2s', '--out', 'late');
    expect(late.exitCode, late.all).toBe(11);
  } finally {
    for (const agent of agents) agent.kill('SIGTERM');
    await Promise.all(agents);
  }
});
