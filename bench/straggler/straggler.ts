// Measures the cost of a slow agent at the end of a run: two agents, one of which takes `--factor` times as long for every test, with and
// without `--speculate auto`, interleaved. Prints each makespan (first shard enqueued to last result), both medians and the duplicated
// work.
//
//   node bench/straggler/straggler.ts [--rounds 5] [--factor 10] [--scale 0.1] [--python PATH]
//
// The slow agent sleeps for the additional time, so only real work uses the processors.

import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { startEmbeddedRedis } from '../../coordinator/redis/embedded-server.ts';
import { generateSuite, writeSuite } from '../../examples/generate.ts';
import { median } from '../../shared/numbers.ts';
import { decodeReport } from '../../shared/wire/report/report.ts';

const shardline = fileURLToPath(new URL('../../cli/shardline.ts', import.meta.url));
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    factor: { type: 'string', default: '10' },
    scale: { type: 'string', default: '0.1' },
    python: { type: 'string', default: fileURLToPath(new URL('../../.venv/bin/python', import.meta.url)) },
  },
});

const SLOWED = `
import os as _os, time as _time

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    started = _time.perf_counter()
    yield
    _time.sleep((_time.perf_counter() - started) * (float(_os.environ.get("BENCH_FACTOR", "1")) - 1))
`;

import { recordedEvents } from '../../test/support/recorded-events.ts';

const directory = await mkdtemp(join(tmpdir(), 'shardline-straggler-'));
try {
  const suite = generateSuite({ seed: 7, scale: Number(values.scale) });
  const conftest = `${suite.files.get('conftest.py') ?? ''}${SLOWED}`;
  await writeSuite({ ...suite, files: new Map([...suite.files, ['conftest.py', conftest]]) }, join(directory, 'suite'));
  await compare(suite.selected);
} finally {
  await rm(directory, { recursive: true });
}

async function compare(paths: readonly string[]): Promise<void> {
  const known = join(directory, 'known.json');
  // The first run has no straggler, so that the durations of all files are known.
  const usual = await run(paths, known, 'off', 1);
  console.log(`both agents alike: ${shown(usual.seconds)} s`);
  const seconds = { off: [] as number[], auto: [] as number[] };
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    for (const speculate of ['off', 'auto'] as const) {
      const timings = join(directory, `timings-${round}-${speculate}.json`);
      await copyFile(known, timings);
      const ran = await run(paths, timings, speculate, Number(values.factor));
      seconds[speculate].push(ran.seconds);
      console.log(
        `round ${round}, --speculate ${speculate}: ${shown(ran.seconds)} s, ${ran.backups} backups, ${ran.duplicates} results dropped`,
      );
    }
  }
  const [off, auto] = [median(seconds.off) ?? Number.NaN, median(seconds.auto) ?? Number.NaN];
  console.log(
    `one agent ${values.factor} times as slow: median ${shown(off)} s without, ${shown(auto)} s with backups; ratio ${shown(auto / off)}`,
  );
}

interface Ran {
  readonly seconds: number;
  readonly backups: number;
  readonly duplicates: number;
}

async function run(paths: readonly string[], timings: string, speculate: string, factor: number): Promise<Ran> {
  await using server = await startEmbeddedRedis(
    { redisBin: null, pythons: [values.python], path: process.env.PATH ?? '' },
    new AbortController().signal,
  );
  const own = ['--python', values.python, '--workspace', join(directory, 'suite'), '--redis', server.url];
  const agents = [1, factor].map((each, index) =>
    execa(process.execPath, [shardline, 'agent', '--name', `a${index + 1}`, '-n', '1', ...own], {
      env: { BENCH_FACTOR: String(each), PYTHONDONTWRITEBYTECODE: '1' },
      reject: false,
    }),
  );
  try {
    await Promise.all(agents.map((agent) => said(agent.stderr, 'waiting for runs')));
    const out = join(directory, 'out');
    const options = ['--quiet', '--speculate', speculate, '--timings', timings, '--out', out, '--split-over', '1h'];
    const ended = await execa(process.execPath, [shardline, 'run', ...own, ...options, ...paths, '--', '-p', 'no:cacheprovider'], {
      reject: false,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (ended.exitCode !== 0) throw new Error(`the run ended with exit code ${ended.exitCode}`);
    const { profile, totals } = decodeReport(await readFile(join(out, 'report.json'), 'utf8'), 'report.json');
    const events = await recordedEvents(join(out, 'events.ndjson'));
    const backups = events.filter((event) => event.kind === 'attempt-enqueued' && event.role === 'backup').length;
    return { seconds: profile.makespanSeconds, backups, duplicates: totals.duplicatesDropped };
  } finally {
    for (const agent of agents) agent.kill('SIGTERM');
    await Promise.all(agents);
  }
}

function said(stream: NodeJS.ReadableStream, words: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes(words)) resolve();
    });
    stream.once('end', () => reject(new Error(`the agent ended: ${text}`)));
  });
}

function shown(value: number): string {
  return value.toFixed(2);
}
