// Runs a real third-party suite over each kind of Redis that is more than one server, or not Redis, and prints how its outcomes differ from
// those of plain pytest. There should be no difference, also if the primary is killed in the middle of the run.
//
//   node bench/equality/servers.ts [sentinel|cluster|cluster-failover|valkey-8|valkey-9…]
//
// Each run has a coordinator and two agents, which are processes of their own. Exits with 0 if each test's outcome equals that of plain
// pytest on all files or on its file alone.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { prepareRedisServer, type ServerName } from '../../scripts/redis-servers.ts';
import { prepareVenv } from '../../scripts/venv.ts';
import { connect } from '../../shared/redis/connect.ts';
import { decodeReport } from '../../shared/wire/report/report.ts';
import { serverOf, startCluster } from '../../test/support/cluster.ts';
import { eventually } from '../../test/support/eventually.ts';
import { startProgram } from '../../test/support/redis.ts';
import { startSentinelGroup } from '../../test/support/sentinel.ts';
import { environment, program } from '../../test/support/shardline.ts';
import { type BenchSuite, benchPython, realSuite } from '../suites.ts';
import { aloneOutcomes, compare, count, type Outcomes, plainOutcomes } from './outcomes.ts';

/** A Redis, and what happens to it once a third of the tests have run. */
interface Server extends AsyncDisposable {
  readonly url: string;
  /** Says what it did. */
  disturb(): Promise<string>;
}

/** A different suite for each. */
const kinds: Readonly<Record<string, { readonly suite: string; readonly start: () => Promise<Server> }>> = {
  sentinel: { suite: 'click', start: sentinelServer },
  cluster: { suite: 'attrs', start: clusterServer },
  'cluster-failover': { suite: 'networkx-classes', start: failingCluster },
  'valkey-8': { suite: 'jinja2', start: () => singleServer('valkey-8') },
  'valkey-9': { suite: 'networkx-generators', start: () => singleServer('valkey-9') },
};

/** The part of the tests that run before the disturbance. */
const BEFORE = 1 / 3;
/** A run that hangs fails. */
const LIMIT_MS = 15 * 60_000;

async function sentinelServer(): Promise<Server> {
  const group = await startSentinelGroup(serverProgram('valkey-9'));
  return {
    url: group.url,
    disturb: async () => `killed the primary (pid ${await group.killPrimary()})`,
    [Symbol.asyncDispose]: () => group[Symbol.asyncDispose](),
  };
}

async function clusterServer(): Promise<Server> {
  const cluster = await startCluster(serverProgram('valkey-9'));
  return {
    url: cluster.url,
    disturb: async () => 'nothing happens to it',
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

async function failingCluster(): Promise<Server> {
  const cluster = await startCluster(serverProgram('valkey-9'), { hasReplicas: true });
  return {
    url: cluster.url,
    async disturb() {
      const redis = await connect(cluster.url, 'bench');
      const [key = ''] = await redis.hkeys('{sl:pool:default}:runs');
      redis.disconnect();
      const server = await serverOf(cluster, `{sl:run:${key}}:events`);
      await server.kill();
      return `killed the primary that has the run (pid ${server.pid})`;
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

async function singleServer(name: ServerName): Promise<Server> {
  const server = await startProgram(serverProgram(name));
  return { url: server.url, disturb: async () => 'nothing happens to it', [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

function serverProgram(name: ServerName): string {
  const found = prepareRedisServer(name);
  if (found === null) throw new Error(`no package provides the server ${name} for this machine`);
  return found;
}

async function main(): Promise<number> {
  prepareVenv({ withServer: true });
  const python = await benchPython();
  let differences = 0;
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(kinds);
  for (const name of names) {
    const kind = kinds[name];
    if (kind === undefined) throw new Error(`unknown server ${name}; known: ${Object.keys(kinds).join(', ')}`);
    const suite = await realSuite(kind.suite, python);
    const plain = await plainOutcomes(python, suite.workspace, suite.paths);
    console.log(
      `${name}: ${kind.suite} with plain pytest: ${plain.outcomes.size} tests in ${plain.seconds.toFixed(0)} s (${count(plain.outcomes)})`,
    );
    await using server = await kind.start();
    const sharded = await shardlineOutcomes(python, suite, server, plain.outcomes.size);
    console.log(
      `${name}: ${kind.suite} with 2 agents: ${sharded.outcomes.size} tests in ${sharded.seconds.toFixed(0)} s (${count(sharded.outcomes)})`,
    );
    console.log(`${name}: ${sharded.course}; duplicates dropped: ${sharded.duplicates}`);
    const differing = compare(plain.outcomes, sharded.outcomes);
    const alone = await aloneOutcomes(python, suite.workspace, differing);
    const difference = differing.filter((nodeid) => alone.get(nodeid) !== sharded.outcomes.get(nodeid));
    differences += difference.length;
    const lines = difference.map((id) => `\n  ${id}: pytest ${plain.outcomes.get(id)}, shardline ${sharded.outcomes.get(id)}`);
    console.log(`${name}: difference: ${lines.length === 0 ? 'none' : lines.join('')}`);
    const leaning = differing.length - difference.length;
    if (leaning > 0) console.log(`${name}: ${leaning} tests come to what plain pytest says of their file alone, not of all files`);
  }
  return differences === 0 ? 0 : 1;
}

interface Sharded {
  readonly outcomes: Outcomes;
  readonly seconds: number;
  /** What happened to the server, and when. */
  readonly course: string;
  readonly duplicates: number;
}

async function shardlineOutcomes(python: string, { workspace, paths }: BenchSuite, server: Server, tests: number): Promise<Sharded> {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-servers-'));
  const env = environment({ SHARDLINE_REDIS_URL: server.url, SHARDLINE_PYTHON: python, PYTHONDONTWRITEBYTECODE: '1' });
  const shardline = (args: readonly string[]) =>
    execa(program[0], [program[1], ...args], {
      ...{
        cwd: directory,
        env,
        extendEnv: false,
        reject: false,
        all: true,
        stdin: 'ignore',
        timeout: LIMIT_MS,
        forceKillAfterDelay: 60_000,
      },
    });
  const agents = ['one', 'two'].map((name) =>
    shardline(['agent', '--name', name, '-n', '1', '--workspace', workspace, '--accept-args', 'any', '--once', '--max-idle', '2m']),
  );
  try {
    const startedAt = Date.now();
    const options = ['--workspace', workspace, '--out', directory, '--timings', join(directory, 'timings.json'), '--verbose'];
    const run = shardline(['run', ...options, ...paths, '--', '-p', 'no:cacheprovider']);
    let done = 0;
    run.all.on('data', (chunk: Buffer) => {
      done += chunk.toString().match(/^(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b/gm)?.length ?? 0;
    });
    let isOver = false;
    const ended = run.finally(() => {
      isOver = true;
    });
    await eventually('a third of the tests have run', () => isOver || done > tests * BEFORE, LIMIT_MS / 1000);
    const course = isOver ? 'the run ended too early' : `after ${done} tests: ${await server.disturb()}`;
    const { exitCode, all } = await ended;
    const seconds = (Date.now() - startedAt) / 1000;
    if (isOver && done <= tests * BEFORE) throw new Error(`the run ended after ${done} tests, with exit code ${exitCode}:\n${all}`);
    if (exitCode !== 0 && exitCode !== 1) throw new Error(`shardline run ended with exit code ${exitCode}:\n${all}`);
    const path = join(directory, 'report.json');
    const report = decodeReport(await readFile(path, 'utf8'), path);
    const outcomes = new Map(report.tests.map((test) => [test.nodeid, test.outcome]));
    return { outcomes, seconds, course, duplicates: report.totals.duplicatesDropped };
  } finally {
    for (const agent of agents) agent.kill('SIGTERM');
    await Promise.all(agents);
    await rm(directory, { recursive: true, force: true });
  }
}

process.exitCode = await main();
