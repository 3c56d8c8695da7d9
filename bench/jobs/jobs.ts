// What three CI jobs do when one of them dies, freezes or loses the network, and what a retry of one runs:
// `node bench/jobs/jobs.ts [SUITE] [--delay 10]` (root, Linux, iproute2).
//
// Each job is `shardline ci` on a host of its own, a network namespace, and Redis is on a fourth. All data takes `--delay` milliseconds in each
// direction, so an answer of Redis takes twice that. Each job has its own copy of the suite. The table has one row for each job: how it ended, and how long after
// the verdict.

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { findServer } from '../../coordinator/redis/find-server.ts';
import { decodeReport } from '../../shared/wire/report/report.ts';
import { type Hosts, makeHosts } from '../namespaces.ts';
import { benchPython, realSuite } from '../suites.ts';

const shardline = fileURLToPath(new URL('../../cli/shardline.ts', import.meta.url));
const slowLink = fileURLToPath(new URL('slow-link.ts', import.meta.url));
const JOBS = [1, 2, 3];
const FROZEN_MS = 15_000;
const CUT_MS = 15_000;
/** Fails if the first run of a retry asks for it. */
const RED_TEST = 'import os\n\ndef test_red(): assert "RED" not in os.environ\n';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { delay: { type: 'string', default: '10' } } });
const python = await benchPython();
const suite = await realSuite(positionals[0] ?? 'click', python);
const server = await findServer({ redisBin: null, pythons: [python], path: process.env.PATH ?? '' });

const scenarios = [
  ['nothing happens', async () => undefined],
  ['the leader is killed half-way', async ({ leader }: Scene) => void (await leader.die())],
  [
    'the leader is stopped for 15 s',
    async ({ leader }: Scene) => {
      leader.signal('SIGSTOP');
      await delay(FROZEN_MS);
      leader.signal('SIGCONT');
    },
  ],
  [
    'another job is cut off for 15 s',
    async ({ other, hosts }: Scene) => {
      await hosts.cut(other.host);
      await delay(CUT_MS);
      await hosts.heal(other.host);
    },
  ],
  [
    'the leader is cut off for 15 s',
    async ({ leader, hosts }: Scene) => {
      await hosts.cut(leader.host);
      await delay(CUT_MS);
      await hosts.heal(leader.host);
    },
  ],
] as const;

interface Scene {
  readonly leader: Job;
  readonly other: Job;
  readonly hosts: Hosts;
}

interface Job {
  readonly host: number;
  readonly directory: string;
  readonly said: () => string;
  readonly signal: (name: NodeJS.Signals) => void;
  /** Kills the whole job, as a machine that is lost. */
  readonly die: () => Promise<void>;
  readonly ended: Promise<{ readonly exitCode: number | undefined; readonly at: number }>;
}

console.log(
  '| scenario | job | exit code | s after the blow: new coordinator | s after the first job: end | verdict |\n|---|---|---|---|---|---|',
);
for (const [name, blow] of scenarios) await play(name, blow);
await retries();

async function play(name: string, blow: (scene: Scene) => Promise<void>): Promise<void> {
  await using stage = await setUp();
  const jobs = await Promise.all(JOBS.map((host) => stage.start(host, { build: 'only', attempt: 1 })));
  const leader = await leaderOf(jobs);
  await delay(4000);
  const struckAt = Date.now();
  const watching = newLeader(jobs, leader, struckAt);
  const other = jobs.find((job) => job !== leader) ?? leader;
  await Promise.all([blow({ leader, other, hosts: stage.hosts }), Promise.all(jobs.map((job) => job.ended))]);
  await row(name, jobs, await watching);
}

/** The tests of a retry, after a run that is red because of one test, and after a green one. */
async function retries(): Promise<void> {
  for (const [name, isRed] of [
    ['one job is retried after a red run', true],
    ['one job is retried after a green run', false],
  ] as const) {
    await using stage = await setUp();
    const red = isRed ? { RED: '1' } : {};
    const first = await Promise.all(JOBS.map((host) => stage.start(host, { build: 'only', attempt: 1 }, red)));
    await Promise.all(first.map((job) => job.ended));
    await row(`${name}: first`, first, null);
    const again = await stage.start(2, { build: 'only', attempt: 2 });
    await again.ended;
    await row(`${name}: retry`, [again], null);
  }
}

async function setUp() {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-jobs-'));
  const cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(directory, { recursive: true, force: true }));
  const hosts = cleanup.use(await makeHosts(JOBS.length + 1));
  const on = (host: number, cwd: string, env: Readonly<Record<string, string>>, ...command: string[]) => {
    const [program, ...args] = [...hosts.on(host), ...command];
    return execa(program, args, { cwd, env, reject: false, stdin: 'ignore', all: true, detached: true });
  };
  const redis = on(0, directory, {}, server, '--bind', '127.0.0.1', '--port', '6380', '--save', '', '--dir', directory);
  const link = on(0, directory, {}, process.execPath, slowLink, hosts.address(0), '6379', '6380', values.delay);
  cleanup.defer(async () => {
    for (const each of [link, redis]) {
      each.kill('SIGKILL');
      await each;
    }
  });
  await delay(1000);
  return {
    hosts,
    async start(
      host: number,
      { build, attempt }: { build: string; attempt: number },
      more: Readonly<Record<string, string>> = {},
    ): Promise<Job> {
      const own = join(directory, `job-${host}`);
      await cp(suite.workspace, own, { recursive: true });
      await writeFile(join(own, 'tests', 'test_red.py'), RED_TEST);
      const env = {
        ...more,
        SHARDLINE_REDIS_URL: `redis://${hosts.address(0)}:6379`,
        BUILDKITE: 'true',
        BUILDKITE_BUILD_ID: build,
        BUILDKITE_STEP_ID: 'tests',
        BUILDKITE_PARALLEL_JOB: String(host - 1),
        BUILDKITE_PARALLEL_JOB_COUNT: String(JOBS.length),
        BUILDKITE_RETRY_COUNT: String(attempt - 1),
        BUILDKITE_JOB_ID: `${host}-${attempt}`,
      };
      const argv = ['ci', ...suite.paths, '--python', python, '-n', '1', '--out', 'out', '--', ...suite.options];
      const command = on(host, own, env, process.execPath, shardline, ...argv);
      let text = '';
      command.all.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      const signal = (name: NodeJS.Signals): void => void (command.pid !== undefined && process.kill(-command.pid, name));
      return {
        host,
        directory: own,
        said: () => text,
        signal,
        async die() {
          signal('SIGKILL');
          await command;
        },
        ended: command.then(({ exitCode }) => ({ exitCode, at: Date.now() })),
      };
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

async function leaderOf(jobs: readonly Job[]): Promise<Job> {
  for (;;) {
    const leader = jobs.find((job) => job.said().includes('Collected '));
    if (leader !== undefined) return leader;
    await delay(50);
  }
}

/** Seconds from the blow until another job coordinates the run; null if none has to. */
async function newLeader(jobs: readonly Job[], leader: Job, struckAt: number): Promise<number | null> {
  const over = Promise.all(jobs.map((job) => job.ended)).then(() => 'over' as const);
  for (;;) {
    if (jobs.some((job) => job !== leader && job.said().includes('Resumed run'))) return (Date.now() - struckAt) / 1000;
    if ((await Promise.race([over, delay(20, 'on' as const)])) === 'over') return null;
  }
}

async function row(name: string, jobs: readonly Job[], takenOver: number | null): Promise<void> {
  const ends = await Promise.all(jobs.map((job) => job.ended));
  const first = Math.min(...ends.filter(({ exitCode }) => exitCode !== undefined).map(({ at }) => at));
  for (const [index, job] of jobs.entries()) {
    const { exitCode, at } = ends[index] ?? { exitCode: undefined, at: first };
    const report = await readFile(join(job.directory, 'out', 'report.json'), 'utf8').then(
      (text) => decodeReport(text, 'report.json'),
      () => null,
    );
    const verdict = report === null ? '' : `${report.verdict}, ${report.tests.length} tests, ${report.totals.notRun} not run`;
    const after = exitCode === undefined ? '' : ((at - first) / 1000).toFixed(2);
    console.log(`| ${name} | ${job.host} | ${exitCode ?? 'killed'} | ${takenOver?.toFixed(2) ?? ''} | ${after} | ${verdict} |`);
  }
}
