// Measures whole commands: `shardline run --agents 1 -n 2` against `pytest -n 2` on the same files, interleaved. Compares the medians.
//
//   node bench/speed/speed.ts [selected|heavy|trivial|networkx|pandas|sympy…] [--rounds 3]
//     [--collect suite|file|auto] [--bytecode fresh|kept]
//
// Prints every time, both medians and their ratio. pytest caches the bytecode of the test modules that it rewrites. `fresh` deletes it
// before every command, as in a new checkout, the usual state of a CI job. `kept` keeps what the first command wrote, the usual state of a
// developer's tree.

import { glob, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { median } from '../../shared/numbers.ts';
import { type BenchSuite, benchPython, realSuite, selectedSuite, trivialSuite } from '../suites.ts';

const shardline = fileURLToPath(new URL('../../cli/shardline.ts', import.meta.url));

/** The generated suites, each in a directory of its own. All other suites are real ones. */
const made: Readonly<Record<string, (directory: string) => Promise<BenchSuite>>> = {
  /** 81 files, with a quarter of their time in collection. */
  selected: (directory) => selectedSuite(directory, 75),
  /** The same files, with two fifths of their time in collection. */
  heavy: (directory) => selectedSuite(directory, 140),
  /** Measures the cost of a run before and after its tests. */
  trivial: trivialSuite,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    collect: { type: 'string', default: 'suite' },
    bytecode: { type: 'string', default: 'fresh' },
  },
});
if (values.bytecode !== 'fresh' && values.bytecode !== 'kept') throw new Error('--bytecode is fresh or kept');

const python = await benchPython();
for (const name of positionals.length === 0 ? [...Object.keys(made), 'networkx', 'pandas'] : positionals) {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-speed-'));
  try {
    const make = made[name];
    await compare(name, make === undefined ? await realSuite(name, python) : await make(join(directory, 'suite')), directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function compare(name: string, { workspace, paths, options }: BenchSuite, directory: string): Promise<void> {
  const plain = ['-m', 'pytest', '-q', '-n', '2', '-p', 'no:cacheprovider', ...options, ...paths];
  const out = join(directory, 'out');
  const own = [
    '--quiet',
    '--agents',
    '1',
    '-n',
    '2',
    '--collect',
    values.collect,
    '--python',
    python,
    '--workspace',
    workspace,
    '--out',
    out,
  ];
  const sharded = [
    shardline,
    'run',
    ...own,
    '--timings',
    join(directory, 'timings.json'),
    ...paths,
    '--',
    '-p',
    'no:cacheprovider',
    ...options,
  ];
  const times = { plain: [] as number[], sharded: [] as number[] };
  for (let round = 0; round < Number(values.rounds); round += 1) {
    times.plain.push(await time(python, plain, workspace));
    times.sharded.push(await time(process.execPath, sharded, workspace));
  }
  const [plainMedian, shardedMedian] = [median(times.plain) ?? Number.NaN, median(times.sharded) ?? Number.NaN];
  console.log(`${name}: pytest -n 2: ${times.plain.map(shown).join(' ')} s, median ${shown(plainMedian)} s`);
  console.log(
    `${name}: shardline (--collect ${values.collect}): ${times.sharded.map(shown).join(' ')} s, median ${shown(shardedMedian)} s`,
  );
  console.log(`${name}: ratio ${shown(shardedMedian / plainMedian)}`);
}

/** Returns wall seconds. A suite with failures is measured too; any exit code but 0 and 1 is an error. */
async function time(command: string, args: readonly string[], cwd: string): Promise<number> {
  if (values.bytecode === 'fresh') for await (const file of glob('**/__pycache__/*-pytest-*.pyc', { cwd })) await rm(join(cwd, file));
  const startedAt = performance.now();
  const { exitCode } = await execa(command, args, {
    cwd,
    env: { PYTHONDONTWRITEBYTECODE: '' },
    reject: false,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (exitCode !== 0 && exitCode !== 1) throw new Error(`${command} ended with exit code ${exitCode}`);
  return (performance.now() - startedAt) / 1000;
}

function shown(value: number): string {
  return value.toFixed(2);
}
