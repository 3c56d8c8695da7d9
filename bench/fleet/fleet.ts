// Shows how three agents divide their slots among three runs, one of which is cancelled: `node bench/fleet/fleet.ts [--workers 2]`.
//
// Real Redis, agents and runs on this machine; the tests only sleep. Run `calm` has a late deadline, `urgent` starts 2 s after
// every agent has joined `calm` and has a near one, `doomed` starts later with a higher priority than both and is cancelled 5 s later. Each row is half a second: how many tests
// of each run were running then, by the tests' own notes.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { startTcpServer } from '../../test/support/redis.ts';

const python = fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
const shardline = fileURLToPath(new URL('../../cli/shardline.ts', import.meta.url));
const AGENTS = 3;
const STEP_MS = 500;
const conftest = `
import os, pathlib, time
import pytest

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    began = time.time()
    try:
        yield
    finally:
        with open(pathlib.Path(__file__).parent / "log", "a") as log:
            log.write(f"{item.path.parent.name} {began} {time.time()}\\n")
`;
const body = 'import time\ndef test_x(): time.sleep(0.5)\ndef test_y(): time.sleep(0.5)\n';
const FILES = { calm: 60, urgent: 20, doomed: 40 } as const;
type Name = keyof typeof FILES;
const names: readonly Name[] = ['calm', 'urgent', 'doomed'];

/** One test, in milliseconds since the epoch. */
interface Span {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

const { values } = parseArgs({ options: { workers: { type: 'string', default: '2' } } });
const directory = await mkdtemp(join(tmpdir(), 'shardline-fleet-'));
try {
  await measure(Number(values.workers));
} finally {
  await rm(directory, { recursive: true, force: true });
}

async function measure(workers: number): Promise<void> {
  await writeFile(join(directory, 'conftest.py'), conftest);
  for (const name of names) {
    await mkdir(join(directory, name));
    for (let index = 0; index < FILES[name]; index += 1) await writeFile(join(directory, name, `test_${name}_${index}.py`), body);
  }
  await using server = await startTcpServer();
  const env = { SHARDLINE_REDIS_URL: server.url, SHARDLINE_PYTHON: python };
  const start = (...args: readonly string[]) =>
    execa(process.execPath, [shardline, ...args], { cwd: directory, env, reject: false, all: true, stdin: 'ignore' });
  const run = (name: Name, ...more: readonly string[]) =>
    start('run', name, '--verbose', '--collect', 'file', '--out', join('out', name), ...more);

  const agents = Array.from({ length: AGENTS }, (_, index) => start('agent', '--name', `a${index + 1}`, '-n', String(workers)));
  await delay(2000);
  const beganAt = Date.now();
  const calm = run('calm', '--deadline', '20m');
  await joined(calm);
  await delay(2000);
  const urgent = run('urgent', '--deadline', '5m');
  await joined(urgent);
  await delay(4000);
  const doomed = run('doomed', '--priority', '5');
  const doomedId = /Run (\S+):/.exec(await joined(doomed))?.[1] ?? '';
  await delay(5000);
  const cancelledAt = Date.now();
  const cancelled = start('cancel', doomedId);
  const ended = await Promise.all([calm, urgent, doomed].map(async (each) => ({ code: (await each).exitCode, at: Date.now() })));
  await cancelled;
  for (const agent of agents) agent.kill('SIGTERM');
  await Promise.all(agents);

  const spans = (await readFile(join(directory, 'log'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .map(([name = '', from, to]): Span => ({ name, from: Number(from) * 1000, to: Number(to) * 1000 }));
  print(spans, beganAt, workers * AGENTS);
  console.log(`\ncancelled after ${((cancelledAt - beganAt) / 1000).toFixed(1)} s`);
  const lastOfDoomed = Math.max(...spans.filter(({ name }) => name === 'doomed').map(({ to }) => to));
  const nextAt = Math.min(...spans.filter(({ name, from }) => name !== 'doomed' && from > cancelledAt).map(({ from }) => from));
  console.log(
    `the last test of doomed ended ${seconds(lastOfDoomed - cancelledAt)} s after that; another run began a test ${seconds(nextAt - cancelledAt)} s after that`,
  );
  for (const [index, name] of names.entries())
    console.log(`${name}: exit code ${ended[index]?.code}, ended after ${seconds((ended[index]?.at ?? 0) - beganAt)} s`);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}

/** What a run has printed when every agent has joined it. */
async function joined(command: { readonly all: NodeJS.ReadableStream }): Promise<string> {
  let text = '';
  command.all.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  for (let tries = 0; tries < 600 && (text.match(/Agent \S+ joined/g) ?? []).length < AGENTS; tries += 1) await delay(50);
  return text;
}

function print(spans: readonly Span[], beganAt: number, slots: number): void {
  console.log(`| s | ${names.join(' | ')} | of ${slots} |\n|---|---|---|---|---|`);
  const last = Math.max(...spans.map(({ to }) => to));
  for (let at = beganAt; at < last; at += STEP_MS) {
    const counts = names.map((name) => spans.filter((span) => span.name === name && span.from <= at && at < span.to).length);
    console.log(`| ${seconds(at - beganAt)} | ${counts.join(' | ')} | ${counts.reduce((sum, each) => sum + each, 0)} |`);
  }
}
