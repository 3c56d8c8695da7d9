// Measures how long after the death of an agent its shard starts elsewhere: `node bench/recovery/recovery.ts [SIGKILL|SIGSTOP|cut…]
// [--times 20]`.
//
// Each way to die has one real run over hosts that are network namespaces (root, Linux, iproute2): Redis and the coordinator on one host,
// three agents with one xdist worker on hosts of their own. The bench repeatedly strikes an agent that runs a shard. It measures the time
// from the blow to the first test of a later attempt of that shard on another agent, by the times that the agents report. The other agents
// have work of their own: a slot becomes free after 0.4 s at most.

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import type { CoordinatorEvent } from '../../coordinator/core/state/events.ts';
import { findServer } from '../../coordinator/redis/find-server.ts';
import { median } from '../../shared/numbers.ts';
import { recordedEvents } from '../../test/support/recorded-events.ts';
import { type Hosts, makeHosts } from '../namespaces.ts';

const python = fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
const shardline = fileURLToPath(new URL('../../cli/shardline.ts', import.meta.url));
const AGENTS = [1, 2, 3];
/** Half of a shard's duration. */
const JUST_MS = 200;
const ways = ['SIGKILL', 'SIGSTOP', 'cut'] as const;
type Way = (typeof ways)[number];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { times: { type: 'string', default: '20' } } });
const isWay = (name: string): name is Way => ways.some((way) => way === name);
console.log('| blow | n | median s | worst s | all |\n|---|---|---|---|---|');
for (const way of positionals.length === 0 ? ways : positionals.filter(isWay)) {
  const seconds = (await measure(way, Number(values.times))).toSorted((left, right) => left - right);
  const all = seconds.map((each) => each.toFixed(2)).join(' ');
  console.log(`| ${way} | ${seconds.length} | ${(median(seconds) ?? 0).toFixed(2)} | ${(seconds.at(-1) ?? 0).toFixed(2)} | ${all} |`);
}

async function measure(way: Way, times: number): Promise<readonly number[]> {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-recovery-'));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(directory, { recursive: true, force: true }));
  await writeSuite(directory, 250 + times * (way === 'SIGKILL' ? 30 : 110));
  const hosts = cleanup.use(await makeHosts(AGENTS.length + 1));
  const start = (host: number, ...command: string[]) => {
    const [program, ...args] = [...hosts.on(host), ...command];
    return execa(program, args, { cwd: directory, env, reject: false, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' });
  };
  const kill = async (command: ReturnType<typeof start>): Promise<void> => {
    command.kill('SIGKILL');
    await command;
  };
  const env = { SHARDLINE_REDIS_URL: `redis://${hosts.address(0)}:6379`, SHARDLINE_PYTHON: python };
  const server = await findServer({ redisBin: null, pythons: [python], path: process.env.PATH ?? '' });
  const redis = start(0, server, '--bind', hosts.address(0), '--protected-mode', 'no', '--save', '', '--dir', directory);
  cleanup.defer(() => kill(redis));
  await delay(1000);
  const startAgent = (host: number) => start(host, process.execPath, shardline, 'agent', '--name', `on${host}`, '-n', '1');
  const agents = new Map(AGENTS.map((host) => [host, startAgent(host)]));
  cleanup.defer(async () => void (await Promise.all([...agents.values()].map(kill))));
  await delay(1500);
  const run = start(0, process.execPath, shardline, 'run', '--out', 'out', '--quiet');
  cleanup.defer(() => kill(run));

  const journal = await follow(join(directory, 'out', 'events.ndjson'));
  // If an agent dies in its first 0.2 s, before its connection is seen, only its missing presence shows the loss, after 7 s.
  await journal.runningOn('on');
  await delay(1000);
  const seconds: number[] = [];
  while (seconds.length < times) {
    const host = AGENTS[seconds.length % AGENTS.length] ?? 1;
    const { shard, agent } = await journal.runningOn(`on${host}-`);
    const struckAt = Date.now();
    await strike(way, host, agents.get(host)?.pid, hosts);
    const startedAt = await journal.startedElsewhere(shard, agent, struckAt);
    seconds.push((startedAt - struckAt) / 1000);
    await mend(way, host, agents.get(host)?.pid, hosts);
    if (way === 'SIGKILL') agents.set(host, startAgent(host));
  }
  return seconds;
}

async function strike(way: Way, host: number, pid: number | undefined, hosts: Hosts): Promise<void> {
  if (way === 'cut') await hosts.cut(host);
  else if (pid !== undefined) process.kill(pid, way);
}

async function mend(way: Way, host: number, pid: number | undefined, hosts: Hosts): Promise<void> {
  if (way === 'cut') await hosts.heal(host);
  if (way === 'SIGSTOP' && pid !== undefined) process.kill(pid, 'SIGCONT');
}

/** Writes files of four tests of 0.1 s each. */
async function writeSuite(directory: string, files: number): Promise<void> {
  await mkdir(join(directory, 'tests'));
  const test = 'import time, pytest\n@pytest.mark.parametrize("n", range(4))\ndef test_x(n): time.sleep(0.1)\n';
  for (let index = 0; index < files; index += 1) await writeFile(join(directory, 'tests', `test_${index}.py`), test);
  await writeFile(join(directory, 'pytest.ini'), '[pytest]\naddopts = -p no:cacheprovider\n');
}

/** Follows the events of the run that its coordinator records. */
async function follow(path: string) {
  let events: readonly CoordinatorEvent[] = [];
  const more = async (): Promise<void> => {
    if (existsSync(path)) events = await recordedEvents(path);
    if (events.some(({ kind }) => kind === 'run-closed')) throw new Error('the run ended before all was measured: give it more files');
  };
  const soon = async <Found>(find: () => Found | undefined): Promise<Found> => {
    for (const until = Date.now() + 60_000; Date.now() < until; await delay(20)) {
      await more();
      const found = find();
      if (found !== undefined) return found;
    }
    throw new Error('nothing of the kind in a minute');
  };
  /** Where and when tests of a shard started, in the order of the reports. */
  const begun = (shard?: string) =>
    events.flatMap((event) =>
      event.kind === 'attempt-reported' && event.event.kind === 'test-started' && (shard === undefined || event.shard === shard)
        ? [{ shard: event.shard, agent: event.agent, at: event.event.at }]
        : [],
    );
  /** True if only this agent has ever had the shard. */
  const isOnlyOf = (agent: string, shard: string): boolean =>
    events.every((event) => event.kind !== 'attempt-started' || event.shard !== shard || event.agent === agent);
  return {
    /**
     * Finds a shard whose first test has just started on that agent and that no other agent has had. An agent that was declared lost
     * reports late what it ran meanwhile, which may be all of a shard that another agent runs again.
     */
    async runningOn(name: string) {
      await more();
      let seen = begun().length;
      return await soon(() => {
        const found = begun()
          .slice(seen)
          .find(({ shard, agent, at }) => agent.startsWith(name) && Date.now() - at < JUST_MS && isOnlyOf(agent, shard));
        seen = begun().length;
        return found;
      });
    },
    /** When a test of the shard started on another agent after `since`; both in milliseconds since the epoch. */
    startedElsewhere: (shard: string, agent: string, since: number): Promise<number> =>
      soon(() => begun(shard).find((other) => other.agent !== agent && other.at >= since)?.at),
  };
}
