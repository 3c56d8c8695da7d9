// Measures the coverage of networkx by its own tests with plain pytest-cov and with shardline, and prints the differences file by file.
// There should be none. Some lines run by chance, because tests draw random numbers or iterate over sets. Plain pytest therefore runs
// twice, and lines that differ between its two runs are counted separately.
//
//   node bench/coverage/coverage.ts [--agents 2] [--engine stream|process] [paths below networkx…]
//
// Exits with 0 if every file has the same statements, executed lines and branches, apart from those that differ between the two runs of
// plain pytest.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { z } from 'zod';
import { benchPython } from '../suites.ts';

const shardline = fileURLToPath(new URL('../../cli/shardline.ts', import.meta.url));
const ASKED = ['-p', 'no:cacheprovider', '--cov=networkx', '--cov-branch'] as const;
const PATHS = ['networkx/algorithms'] as const;

/** The compared fields of coverage.py's JSON report. */
const measuredSchema = z.object({
  files: z.record(
    z.string(),
    z.object({
      executed_lines: z.array(z.number()),
      missing_lines: z.array(z.number()),
      excluded_lines: z.array(z.number()),
      executed_branches: z.array(z.array(z.number())),
      missing_branches: z.array(z.array(z.number())),
      summary: z.record(z.string(), z.unknown()),
    }),
  ),
  totals: z.object({ num_statements: z.number(), missing_lines: z.number(), num_branches: z.number(), percent_covered: z.number() }),
});
type Measured = z.infer<typeof measuredSchema>;

/** The measured lines and branches: `file 12 run`, `file 12->14 missed`. */
function facts({ files }: Measured): ReadonlySet<string> {
  const all = new Set<string>();
  for (const [file, { executed_lines, missing_lines, excluded_lines, executed_branches, missing_branches }] of Object.entries(files)) {
    all.add(`${file} is measured`);
    for (const line of executed_lines) all.add(`${file} ${line} run`);
    for (const line of missing_lines) all.add(`${file} ${line} missed`);
    for (const line of excluded_lines) all.add(`${file} ${line} excluded`);
    for (const [from, to] of executed_branches) all.add(`${file} ${from}->${to} run`);
    for (const [from, to] of missing_branches) all.add(`${file} ${from}->${to} missed`);
  }
  return all;
}

/** The places where two reports differ: `file 12`. */
function differing(left: Measured, right: Measured): readonly string[] {
  const [ours, theirs] = [facts(left), facts(right)];
  const facing = [...ours].filter((fact) => !theirs.has(fact)).concat([...theirs].filter((fact) => !ours.has(fact)));
  return [...new Set(facing.map((fact) => fact.split(' ').slice(0, 2).join(' ')))].sort();
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { agents: { type: 'string', default: '2' }, engine: { type: 'string', default: 'stream' } },
  });
  const paths = positionals.length === 0 ? PATHS : positionals;
  const python = await benchPython('coverage');
  const directory = await mkdtemp(join(tmpdir(), 'shardline-coverage-'));
  const { stdout: workspace } = await execa(python, ['-c', "import sysconfig; print(sysconfig.get_path('purelib'))"]);

  const measure = async (name: string, command: readonly string[]): Promise<Measured> => {
    const report = join(directory, `${name}.json`);
    const startedAt = Date.now();
    const [program = '', ...args] = [...command, `--cov-report=json:${report}`];
    const env = { PYTHONDONTWRITEBYTECODE: '1', COVERAGE_FILE: join(directory, `${name}.data`) };
    const ran = await execa(program, args, { cwd: workspace, env, reject: false, all: true, stdin: 'ignore' });
    if (ran.exitCode !== 0) throw new Error(`${name} ended with exit code ${ran.exitCode}:\n${ran.all.slice(-3000)}`);
    const measured = measuredSchema.parse(JSON.parse(await readFile(report, 'utf8')));
    const { num_statements, missing_lines, num_branches, percent_covered } = measured.totals;
    const about = `${Object.keys(measured.files).length} files, ${num_statements} statements, ${missing_lines} of them missed, ${num_branches} branches`;
    console.log(`${name}: ${about}, ${percent_covered.toFixed(2)} % in ${((Date.now() - startedAt) / 1000).toFixed(0)} s`);
    console.log(`${name}: ${ran.all.trim().split('\n').at(-1)}`);
    return measured;
  };

  try {
    const plain = [python, '-m', 'pytest', '-q', ...ASKED, ...paths];
    const first = await measure('plain pytest', plain);
    const second = await measure('plain pytest again', plain);
    const options = ['--quiet', '--agents', values.agents, '--engine', values.engine, '--python', python, '--workspace', workspace];
    const places = ['--out', join(directory, 'out'), '--timings', join(directory, 'timings.json')];
    const ours = await measure(`shardline, ${values.agents} agents, ${values.engine}`, [
      ...[process.execPath, shardline, 'run', ...options, ...places, ...paths, '--', ...ASKED],
    ]);
    const byChance = new Set(differing(first, second));
    const difference = differing(first, ours);
    const unexplained = difference.filter((place) => !byChance.has(place) && differing(second, ours).includes(place));
    console.log(`between two runs of plain pytest: ${byChance.size} lines differ${list([...byChance])}`);
    console.log(`between plain pytest and shardline: ${difference.length} lines differ${list(difference)}`);
    console.log(`of these, the same in both runs of plain pytest: ${unexplained.length}${list(unexplained)}`);
    return unexplained.length === 0 ? 0 : 1;
  } finally {
    await rm(directory, { recursive: true });
  }
}

const list = (places: readonly string[]): string => places.map((place) => `\n  ${place}`).join('');

process.exitCode = await main();
