// Measures how close a run comes to its bound on a skewed suite: one file has 40 % of the work. The first run learns durations, and each
// further run uses them.
//
//   node bench/split/split.ts [--rounds 5] [--agents 2] [--numprocesses 2] [--scale 1] [--dist load]
//
// Tests sleep, so the bench measures how evenly the work is divided and not how fast the machine is. Prints makespan, bound and their ratio
// from each run's report.json. Uses the Python environment in .venv.

import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import type { Report } from '../../shared/domain/report.ts';
import { decodeReport } from '../../shared/wire/report/report.ts';

const python = fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
const shardline = fileURLToPath(new URL('../../cli/shardline.ts', import.meta.url));

/** Seconds of sleep at scale 1: 25.6 of 64 in one file, which also takes a moment to import and has a fixture that all its tests share. */
const LONG = { tests: 80, seconds: 0.32 } as const;
const OTHERS = { files: 24, tests: 4, seconds: 0.4 } as const;
const LONG_HEAD =
  'import time, pytest\ntime.sleep(0.2)\n@pytest.fixture(scope="module", autouse=True)\ndef shared():\n    time.sleep(0.3)\n    yield\n';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    agents: { type: 'string', default: '2' },
    numprocesses: { type: 'string', default: '2' },
    scale: { type: 'string', default: '1' },
    dist: { type: 'string', default: 'load' },
  },
});

const directory = await mkdtemp(join(tmpdir(), 'shardline-split-'));
try {
  await writeSuite(directory, Number(values.scale));
  const learned = join(directory, 'learned.json');
  show('first run', await run(learned));
  const ratios: number[] = [];
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    const timings = join(directory, `timings-${round}.json`);
    await copyFile(learned, timings);
    ratios.push(show(`second run, round ${round}`, await run(timings)));
  }
  const sorted = ratios.toSorted((left, right) => left - right);
  const [least, middle, most] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)].map((ratio) => ratio?.toFixed(3));
  console.log(`makespan ÷ bound of second runs: median ${middle}, from ${least} to ${most}, n = ${ratios.length}`);
} finally {
  await rm(directory, { recursive: true });
}

async function writeSuite(root: string, scale: number): Promise<void> {
  const testsOf = (tests: number, seconds: number): string =>
    `import time, pytest\n@pytest.mark.parametrize("n", range(${tests}))\ndef test_sleep(n): time.sleep(${seconds * scale})\n`;
  await mkdir(join(root, 'tests'));
  await writeFile(join(root, 'pytest.ini'), '[pytest]\n');
  await writeFile(join(root, 'tests', 'test_long.py'), LONG_HEAD + testsOf(LONG.tests, LONG.seconds));
  for (let index = 0; index < OTHERS.files; index += 1) {
    await writeFile(join(root, 'tests', `test_${index}.py`), testsOf(OTHERS.tests, OTHERS.seconds));
  }
}

async function run(timings: string): Promise<Report> {
  const out = join(directory, 'out');
  const own = ['--quiet', '--agents', values.agents, '-n', values.numprocesses, '--workspace', directory];
  const files = ['--out', out, '--timings', timings, '--python', python];
  await execa(process.execPath, [shardline, 'run', ...own, ...files, 'tests', '--', '--dist', values.dist, '-p', 'no:cacheprovider'], {
    // `npm test` installs a Redis server next to the interpreter.
    env: { PATH: [dirname(python), process.env.PATH].join(delimiter) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return decodeReport(await readFile(join(out, 'report.json'), 'utf8'), 'report.json');
}

/** Prints the result of one run, and returns makespan ÷ bound. */
function show(name: string, { profile, shards, agents }: Report): number {
  const ratio = profile.makespanSeconds / profile.boundSeconds;
  const busy = agents.map(({ id, busySeconds, idleSeconds }) => `${id} busy ${busySeconds.toFixed(1)} idle ${idleSeconds.toFixed(1)}`);
  const [makespan, bound] = [profile.makespanSeconds.toFixed(2), profile.boundSeconds.toFixed(2)];
  console.log(`${name}: ${shards.length} shards, makespan ${makespan} s, bound ${bound} s, ratio ${ratio.toFixed(3)} (${busy.join(', ')})`);
  return ratio;
}
