// Runs large third-party suites with plain pytest and with shardline, and prints how their outcomes differ. There should be no difference.
// By default shardline runs each suite three times: once with --collect suite, and twice with --collect auto, because what the first of
// these learns decides how the second collects. A test may depend on the import of another file, as click's pager tests do. If a test differs, plain
// pytest runs its file alone, and tests with equal outcomes there are counted separately.
//
//   node bench/equality/equality.ts [networkx|pandas|numpy|sympy|attrs|click|jinja2…] [--agents 1,3] [--collect suite,auto,auto]
//
// Exits with 0 if each test's outcome equals that of plain pytest on all files or on its file alone.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { decodeReport } from '../../shared/wire/report/report.ts';
import { recordedEvents } from '../../test/support/recorded-events.ts';
import { benchPython, realSuite, realSuites } from '../suites.ts';
import { aloneOutcomes, compare, count, type Outcomes, plainOutcomes } from './outcomes.ts';

const shardline = fileURLToPath(new URL('../../cli/shardline.ts', import.meta.url));

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { agents: { type: 'string', default: '1,3' }, collect: { type: 'string', default: 'suite,auto,auto' } },
  });
  const python = await benchPython();
  let differences = 0;
  for (const name of positionals.length === 0 ? realSuites : positionals) {
    const { workspace, paths } = await realSuite(name, python);
    const plain = await plainOutcomes(python, workspace, paths);
    console.log(`${name}: plain pytest: ${plain.outcomes.size} tests in ${plain.seconds.toFixed(0)} s (${count(plain.outcomes)})`);
    for (const agents of values.agents.split(',')) {
      const memory = await mkdtemp(join(tmpdir(), 'shardline-equality-'));
      for (const collect of values.collect.split(',')) {
        const sharded = await shardlineOutcomes(python, workspace, paths, { agents, collect, memory });
        const differing = compare(plain.outcomes, sharded.outcomes);
        const alone = await aloneOutcomes(python, workspace, differing);
        const difference = differing.filter((nodeid) => alone.get(nodeid) !== sharded.outcomes.get(nodeid));
        differences += difference.length;
        const how = `${agents} agent(s), --collect ${collect} (${sharded.mode})`;
        console.log(`${name}: ${how}: ${sharded.outcomes.size} tests in ${sharded.seconds.toFixed(0)} s (${count(sharded.outcomes)})`);
        const lines = difference.map((id) => `\n  ${id}: pytest ${plain.outcomes.get(id)}, shardline ${sharded.outcomes.get(id)}`);
        console.log(`${name}: difference: ${lines.length === 0 ? 'none' : lines.join('')}`);
        const leaning = differing.length - difference.length;
        if (leaning > 0) console.log(`${name}: ${leaning} tests come to what plain pytest says of their file alone, not of all files`);
      }
      await rm(memory, { recursive: true });
    }
  }
  return differences === 0 ? 0 : 1;
}

interface Way {
  readonly agents: string;
  readonly collect: string;
  /** The directory that keeps what one run learns for the next. */
  readonly memory: string;
}

async function shardlineOutcomes(
  python: string,
  workspace: string,
  paths: readonly string[],
  { agents, collect, memory }: Way,
): Promise<{ outcomes: Outcomes; seconds: number; mode: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-equality-'));
  try {
    const startedAt = Date.now();
    const options = [
      '--agents',
      agents,
      '--collect',
      collect,
      '--workspace',
      workspace,
      '--python',
      python,
      '--out',
      directory,
      '--timings',
      join(memory, 'timings.json'),
    ];
    const run = await execa(process.execPath, [shardline, 'run', '--quiet', ...options, ...paths, '--', '-p', 'no:cacheprovider'], {
      env: { PYTHONDONTWRITEBYTECODE: '1' },
      reject: false,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (run.exitCode !== 0 && run.exitCode !== 1) throw new Error(`shardline run ended with exit code ${run.exitCode}`);
    const path = join(directory, 'report.json');
    const report = decodeReport(await readFile(path, 'utf8'), path);
    const [opening] = await recordedEvents(join(directory, 'events.ndjson'));
    if (opening?.kind !== 'run-opened') throw new Error('the log of the run does not begin with its opening');
    const outcomes = new Map(report.tests.map((test) => [test.nodeid, test.outcome]));
    const mode = report.restarted === null ? opening.spec.collect : `${opening.spec.collect}, restarted with suite`;
    return { outcomes, seconds: (Date.now() - startedAt) / 1000, mode };
  } finally {
    await rm(directory, { recursive: true });
  }
}

process.exitCode = await main();
