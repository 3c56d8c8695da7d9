// Runs large suites that nobody here wrote with plain pytest and with shardline, and prints how their outcomes differ: not at all.
//
//   node bench/equality/equality.ts [networkx|pandas|numpy|sympy|attrs|click|jinja2…] [--agents 1,3]
//
// Exit code 0 when every comparison is empty.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { decodeReport } from '../../shared/wire/report.ts';
import { countedByPlainPytest } from '../../test/support/plain-pytest.ts';
import { benchPython, realSuite, realSuites } from '../suites.ts';

const shardline = fileURLToPath(new URL('../../shared/cli/shardline.ts', import.meta.url));

/** Outcome by node id. */
type Outcomes = ReadonlyMap<string, string>;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { agents: { type: 'string', default: '1,3' } } });
  const python = await benchPython();
  let differences = 0;
  for (const name of positionals.length === 0 ? realSuites : positionals) {
    const { workspace, paths } = await realSuite(name, python);
    const plain = await plainOutcomes(python, workspace, paths);
    console.log(`${name}: plain pytest: ${plain.outcomes.size} tests in ${plain.seconds.toFixed(0)} s (${count(plain.outcomes)})`);
    for (const agents of values.agents.split(',')) {
      const sharded = await shardlineOutcomes(python, workspace, paths, agents);
      const difference = compare(plain.outcomes, sharded.outcomes);
      differences += difference.length;
      console.log(
        `${name}: shardline, ${agents} agent(s): ${sharded.outcomes.size} tests in ${sharded.seconds.toFixed(0)} s (${count(sharded.outcomes)})`,
      );
      console.log(`${name}: difference: ${difference.length === 0 ? 'none' : `\n  ${difference.join('\n  ')}`}`);
    }
  }
  return differences === 0 ? 0 : 1;
}

async function plainOutcomes(python: string, cwd: string, paths: readonly string[]): Promise<{ outcomes: Outcomes; seconds: number }> {
  const startedAt = Date.now();
  const { outcomes } = await countedByPlainPytest(python, cwd, paths);
  return { outcomes: new Map(Object.entries(outcomes)), seconds: (Date.now() - startedAt) / 1000 };
}

async function shardlineOutcomes(
  python: string,
  workspace: string,
  paths: readonly string[],
  agents: string,
): Promise<{ outcomes: Outcomes; seconds: number }> {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-equality-'));
  try {
    const startedAt = Date.now();
    const options = [
      '--agents',
      agents,
      '--workspace',
      workspace,
      '--python',
      python,
      '--out',
      directory,
      '--timings',
      join(directory, 'timings.json'),
    ];
    const run = await execa(process.execPath, [shardline, 'run', '--quiet', ...options, ...paths, '--', '-p', 'no:cacheprovider'], {
      env: { PYTHONDONTWRITEBYTECODE: '1' },
      reject: false,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (run.exitCode !== 0 && run.exitCode !== 1) throw new Error(`shardline run ended with exit code ${run.exitCode}`);
    const path = join(directory, 'report.json');
    const report = decodeReport(await readFile(path, 'utf8'), path);
    return { outcomes: new Map(report.tests.map((test) => [test.nodeid, test.outcome])), seconds: (Date.now() - startedAt) / 1000 };
  } finally {
    await rm(directory, { recursive: true });
  }
}

function compare(plain: Outcomes, sharded: Outcomes): readonly string[] {
  const nodeids = new Set([...plain.keys(), ...sharded.keys()]);
  return [...nodeids].flatMap((nodeid) => {
    const [expected, found] = [plain.get(nodeid) ?? 'absent', sharded.get(nodeid) ?? 'absent'];
    return expected === found ? [] : [`${nodeid}: pytest ${expected}, shardline ${found}`];
  });
}

/** `3700 passed, 3 skipped`. */
function count(outcomes: Outcomes): string {
  const counts = Map.groupBy(outcomes.values(), (outcome) => outcome);
  return [...counts].map(([outcome, all]) => `${all.length} ${outcome}`).join(', ');
}

process.exitCode = await main();
