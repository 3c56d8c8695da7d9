// Checks that the report always exists before the deadline, and measures how much of the time the run used. It runs examples/selected,
// scaled down, with deadlines that are a share of the time the run needs. With --deaf one more test ignores SIGINT and SIGTERM and never
// ends.
//
//   node bench/deadline/deadline.ts [--rounds 7] [--shares 30,50,80] [--scale 0.08] [--deaf] [--needed SECONDS] [--python PATH]
//
// All times are measured from outside: from before the command starts until report.json exists, and until the command has ended.

import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { generateSuite, writeSuite } from '../../examples/generate.ts';
import type { Report } from '../../shared/domain/report.ts';
import { decodeReport } from '../../shared/wire/report/report.ts';

const shardline = fileURLToPath(new URL('../../cli/shardline.ts', import.meta.url));
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    shares: { type: 'string', default: '30,50,80' },
    scale: { type: 'string', default: '0.08' },
    deaf: { type: 'boolean', default: false },
    needed: { type: 'string' },
    python: { type: 'string', default: fileURLToPath(new URL('../../.venv/bin/python', import.meta.url)) },
  },
});

const DEAF = `
import signal, time

def test_deaf():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end = time.time() + 3600
    while time.time() < end:
        time.sleep(1)
`;

const directory = await mkdtemp(join(tmpdir(), 'shardline-deadline-'));
let runs = 0;
try {
  const suite = generateSuite({ seed: 7, scale: Number(values.scale) });
  await writeSuite({ ...suite, files: new Map([...suite.files, ['test_deaf.py', DEAF]]) }, directory);
  const first = await run(suite.selected, null);
  const needed = values.needed === undefined ? (await run(suite.selected, null)).reportSeconds : Number(values.needed);
  console.log(`needs ${shown(needed)} s (${shown(first.reportSeconds)} s when nothing was known of its durations)`);
  const paths = values.deaf ? ['test_deaf.py', ...suite.selected] : suite.selected;
  for (const share of values.shares.split(',').map(Number)) await hold(paths, share, (needed * share) / 100);
} finally {
  await rm(directory, { recursive: true });
}

async function hold(paths: readonly string[], share: number, deadline: number): Promise<void> {
  const ran: Ran[] = [];
  for (let round = 0; round < Number(values.rounds); round += 1) ran.push(await run(paths, deadline));
  const late = ran.filter(({ reportSeconds }) => reportSeconds > deadline);
  const overshoot = Math.max(0, ...ran.map(({ reportSeconds }) => reportSeconds - deadline));
  const used = ran.map(({ reportSeconds }) => (reportSeconds / deadline) * 100);
  const ended = ran.map(({ commandSeconds }) => (commandSeconds / deadline) * 100);
  const tests = ran.map(({ report: { totals } }) => (1 - totals.notRun / totals.expected) * 100);
  const codes = [...new Set(ran.map(({ exitCode }) => exitCode))].join(', ');
  console.log(
    [
      `${share} % (${shown(deadline)} s), n = ${ran.length}: ${ran.length - late.length} reports in time, worst overshoot ${shown(overshoot)} s, exit ${codes}`,
      `  report after ${spread(used)} % of the deadline, command ended after ${spread(ended)} %, ${spread(tests)} % of what is known was run`,
    ].join('\n'),
  );
}

interface Ran {
  readonly reportSeconds: number;
  readonly commandSeconds: number;
  readonly exitCode: number;
  readonly report: Report;
}

async function run(paths: readonly string[], deadline: number | null): Promise<Ran> {
  runs += 1;
  const out = join(directory, `out-${runs}`);
  const own = ['--quiet', '--agents', '1', '-n', '2', '--python', values.python, '--out', out];
  const limit = deadline === null ? [] : ['--deadline', `${Math.round(deadline * 1000)}ms`];
  const startedAt = Date.now();
  const { exitCode } = await execa(process.execPath, [shardline, 'run', ...own, ...limit, ...paths, '--', '-p', 'no:cacheprovider'], {
    cwd: directory,
    env: { PYTHONDONTWRITEBYTECODE: '1' },
    reject: false,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const commandSeconds = (Date.now() - startedAt) / 1000;
  const path = join(out, 'report.json');
  const reportSeconds = ((await stat(path)).mtimeMs - startedAt) / 1000;
  return { reportSeconds, commandSeconds, exitCode: exitCode ?? -1, report: decodeReport(await readFile(path, 'utf8'), path) };
}

/** `median (least-most)` */
function spread(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((left, right) => left - right);
  const at = (part: number): string => (sorted[Math.round((sorted.length - 1) * part)] ?? Number.NaN).toFixed(0);
  return `${at(0.5)} (${at(0)}-${at(1)})`;
}

function shown(value: number): string {
  return value.toFixed(2);
}
