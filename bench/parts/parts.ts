// Four CI jobs without a Redis: each runs its part of a real suite, and a merge proves that the parts are whole. Then what the merge says of a
// part that is missing, repeated, or planned from other durations: `node bench/parts/parts.ts [SUITE]`.
//
// The parts run one after the other, because they would be on machines of their own.

import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { decodeReport } from '../../shared/wire/report/report.ts';
import { countedByPlainPytest } from '../../test/support/plain-pytest.ts';
import { benchPython, realSuite } from '../suites.ts';

const shardline = fileURLToPath(new URL('../../cli/shardline.ts', import.meta.url));
const PARTS = [1, 2, 3, 4];

const { positionals } = parseArgs({ allowPositionals: true });
const python = await benchPython();
const suite = await realSuite(positionals[0] ?? 'networkx', python);
const directory = await mkdtemp(join(tmpdir(), 'shardline-parts-'));
try {
  await measure();
} finally {
  await rm(directory, { recursive: true });
}

async function measure(): Promise<void> {
  const startedAt = Date.now();
  const { outcomes } = await countedByPlainPytest(python, suite.workspace, suite.paths);
  const plain = new Map(Object.entries(outcomes));
  console.log(`plain pytest: ${plain.size} tests in ${since(startedAt)} s`);

  await command('plan', 'plan', ['--shards', '4', '--out', 'plan.json', '--timings', 'none.json', ...suite.paths, '--', ...suite.options]);
  for (const part of PARTS) await runPart(part, `part-${part}`, ['--plan', join(directory, 'plan.json')]);
  const names = PARTS.map((part) => `part-${part}`);
  await command('merge of four parts', 'report', ['--merge', ...names, '--json', 'merged.json', '--timings', 'learned.json']);
  const merged = decodeReport(await readFile(join(directory, 'merged.json'), 'utf8'), 'merged.json');
  const ours = new Map<string, string>(merged.tests.map(({ nodeid, outcome }) => [nodeid, outcome]));
  const differing = [...new Set([...plain.keys(), ...ours.keys()])].filter((id) => plain.get(id) !== ours.get(id));
  console.log(`difference from plain pytest: ${differing.length === 0 ? 'none' : differing.slice(0, 10).join(' ')}`);

  await command('merge without part 3', 'report', ['--merge', ...names.filter((name) => name !== 'part-3')]);
  await cp(join(directory, 'part-2'), join(directory, 'part-2-again'), { recursive: true });
  await command('merge with part 2 twice', 'report', ['--merge', ...names, 'part-2-again']);
  // The job restored durations that the other jobs did not have.
  await runPart(3, 'part-3-other', ['--timings', join(directory, 'learned.json')]);
  await command('merge with a part 3 of other durations', 'report', [
    '--merge',
    ...names.filter((name) => name !== 'part-3'),
    'part-3-other',
  ]);
}

async function runPart(part: number, out: string, options: readonly string[]): Promise<void> {
  await command(`part ${part} of 4`, 'run', [
    ...['--shard', `${part}/4`, '--agents', '1', '-n', '2', '--out', join(directory, out), ...options],
    ...[...suite.paths, '--', ...suite.options],
  ]);
}

/** Prints exit code, time, and the lines that say how it ended. */
async function command(title: string, name: string, argv: readonly string[]): Promise<void> {
  const isReport = name === 'report';
  const place = isReport ? [] : ['--workspace', suite.workspace, '--python', python];
  const startedAt = Date.now();
  const { exitCode, all } = await execa(process.execPath, [shardline, name, ...place, ...argv], {
    cwd: directory,
    env: { PYTHONDONTWRITEBYTECODE: '1' },
    reject: false,
    stdin: 'ignore',
    all: true,
  });
  console.log(`${title}: exit ${exitCode} in ${since(startedAt)} s`);
  const telling = all.split('\n').filter((line) => /^(PARTS|part |\w[\w ]*: .*(; exit|in )|shardline: error)/.test(line));
  for (const line of telling.slice(-6)) console.log(`  ${line}`);
}

function since(startedAt: number): string {
  return ((Date.now() - startedAt) / 1000).toFixed(1);
}
