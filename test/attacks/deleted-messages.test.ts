// Signed messages that somebody deletes from Redis, or stores again: the run notices by their numbers.

import { expect, test } from 'vitest';
import { agentId, type RunId, runId } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { runKeys } from '../../shared/redis/keys.ts';
import { eventually } from '../support/eventually.ts';
import { startTcpServer } from '../support/redis.ts';
import { expectRejected } from '../support/rejected.ts';
import { said } from '../support/said.ts';
import { newProject, outcomesOf, type Project } from '../support/shardline.ts';

const MARKER = 'ran-before';
/** The second test fails only when it runs first, and its messages are alone in their batch. */
const suite = {
  'test_a.py': [
    'import os, time',
    'def test_before(): time.sleep(1.5)',
    'def test_flaky():',
    '    time.sleep(0.5)',
    `    known = os.path.exists("${MARKER}")`,
    `    open("${MARKER}", "w").close()`,
    '    assert known',
    'def test_after(): time.sleep(0.5)',
    'def test_last(): time.sleep(0.5)',
    '',
  ].join('\n'),
};
const names = ['test_before', 'test_flaky', 'test_after', 'test_last'].map((name) => `test_a.py::${name}`);
const allPassed = Object.fromEntries(names.map((name) => [name, 'passed']));

type Redis = Awaited<ReturnType<typeof connect>>;
type Entry = readonly [position: string, text: string];

async function batchesOf(redis: Redis, run: RunId): Promise<readonly Entry[]> {
  const entries = await redis.xrange(runKeys(run).events, '-', '+');
  return entries.map(([position, fields]): Entry => [position, fields[fields.indexOf('batch') + 1] ?? '']);
}

const has = (entries: readonly Entry[], ...words: readonly string[]): boolean =>
  entries.some(([, text]) => words.every((word) => text.includes(word)));

const senderOf = ([, text]: Entry): string => String((JSON.parse(text) as { readonly sender: unknown }).sender);

/** The agent that runs the file. */
const agentIn = (entries: readonly Entry[]): string => entries.filter((entry) => has([entry], 'test-started')).map(senderOf)[0] ?? '';

/** A run that counts only what its agents have signed. One of two, each a process of its own, runs the only file. */
async function startRun(project: Project, url: string) {
  expect((await project.shardline(['keygen', 'key'])).exitCode).toBe(0);
  const argv = ['run', '--redis', url, '--agents', '2', '-n', '1', '--sign-key', 'key', '--trust', 'key.pub', '--out', 'out'];
  const run = project.shardline(argv);
  const [, id = ''] = await said(run, /Run (\S+):/);
  return { run, id: runId(id) };
}

test('a run of which a signed message was deleted is not green, and names the agent', { timeout: 180_000 }, async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const redis = await connect(server.url, 'attacker');
  try {
    const { run, id } = await startRun(project, server.url);
    await eventually('the first test runs', async () => has(await batchesOf(redis, id), 'test-started', 'test_before'), 60);
    const agent = agentIn(await batchesOf(redis, id));
    // The coordinator has asked Redis for the next batch, so it gets that one. It must miss a later one.
    run.kill('SIGSTOP');
    await eventually('the third test has ended', async () => has(await batchesOf(redis, id), 'test-finished', 'test_after'), 30);
    const failed = (await batchesOf(redis, id)).filter((entry) => has([entry], 'test-finished', 'test_flaky'));
    expect(failed).toHaveLength(1);
    for (const [position] of failed) expect(await redis.xdel(runKeys(id).events, position)).toBe(1);
    run.kill('SIGCONT');
    const { exitCode, all } = await run;
    const report = await project.report();
    expect(outcomesOf(report)).toEqual(allPassed);
    expect(exitCode, all).toBe(11);
    expect(report).toMatchObject({ verdict: 'incomplete', missingMessages: [{ agent, messages: 1 }], rejected: [] });
    expect(all).toContain(`Missing 1 message of agent ${agent}: deleted from Redis, or lost by it. The run cannot pass.`);
    expect(all).toContain(`MISSING 1 message of agent ${agent} - `);
    const again = await project.shardline(['report', 'out/events.ndjson', '--json', 'again.json']);
    expect(again.exitCode, again.all).toBe(11);
    expect(JSON.parse(await project.read('again.json')).missingMessages).toEqual(report.missingMessages);
  } finally {
    redis.disconnect();
  }
});

test('signed messages that are stored again are rejected and counted', { timeout: 180_000 }, async () => {
  await using project = await newProject({ ...suite, [MARKER]: '' });
  await using server = await startTcpServer();
  const redis = await connect(server.url, 'attacker');
  try {
    const { run, id } = await startRun(project, server.url);
    await eventually('a test has ended', async () => has(await batchesOf(redis, id), 'test-finished', 'test_before'), 60);
    const entries = await batchesOf(redis, id);
    const agent = agentIn(entries);
    const copied = entries.filter((entry) => senderOf(entry) === agent);
    for (const [, text] of copied) await redis.xadd(runKeys(id).events, '*', 'agent', agent, 'batch', text);
    const { exitCode, all } = await run;
    expect(exitCode, all).toBe(0);
    const report = await project.report();
    expect(outcomesOf(report)).toEqual(allPassed);
    expect(report.missingMessages).toEqual([]);
    expectRejected(report, all, [{ agent: agentId(agent), why: 'repeated', messages: copied.length }]);
  } finally {
    redis.disconnect();
  }
});
