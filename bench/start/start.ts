// Measures what the start of xdist workers costs: a whole `shardline run` of one trivial test, whose workers are forked, beside the same run
// with new interpreters, and beside `pytest -n`. Interleaved. Then it adds up the memory of the workers. Linux only.
//
//   node bench/start/start.ts [--rounds 10] [--workers 2] [--base FOLDER] [--python PATH]
//
// `--base` also measures the shardline of another checkout. Processor time is that of all processes of the command. The memory of a worker
// is its share (PSS): forked workers share pages with each other, the fork server and pytest's main process.
//
// Measured with --rounds 12, and with --rounds 10 --workers 8, on two processors that other work had too (load 6 to 20). Ratios are forked ÷
// new interpreters:
//
//   -n 2   processor time 0.86 (0.77 to 0.98), wall 0.89 (0.50 to 1.38), memory 34.5 MB and 52.5 MB
//   -n 8   processor time 0.66 (0.55 to 0.85), wall 0.55 (0.46 to 1.37), memory 123 MB and 209 MB

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { median } from '../../shared/numbers.ts';

const shardline = fileURLToPath(new URL('../../cli/shardline.ts', import.meta.url));
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    workers: { type: 'string', default: '2' },
    base: { type: 'string' },
    python: { type: 'string', default: fileURLToPath(new URL('../../.venv/bin/python', import.meta.url)) },
  },
});
const { workers, python } = values;

/** With this variable, each worker starts as a new interpreter. */
const NO_FORK = { COV_CORE_NOTHING: '1' };

interface Command {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const run = (program: string): readonly string[] => [process.execPath, program, 'run', '-n', workers, '--python', python, '--quiet'];
const commands: Readonly<Record<string, Command>> = {
  forked: { argv: run(shardline), env: {} },
  'new interpreters': { argv: run(shardline), env: NO_FORK },
  ...(values.base === undefined ? {} : { base: { argv: run(join(values.base, 'cli', 'shardline.ts')), env: {} } }),
  'pytest -n': { argv: [python, '-m', 'pytest', '-q', '-n', workers], env: {} },
};

/** In seconds. */
interface Ran {
  readonly wall: number;
  readonly processor: number;
}

/** Prints the time of a command, and the processor time of all processes that it waited for. */
const TIMED = `import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=sys.stderr)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(time.perf_counter() - start, used.ru_utime + used.ru_stime)
`;

/** Each worker writes its share of memory when all workers are ready. */
const CONFTEST = `import os, time
HERE = os.path.dirname(os.path.abspath(__file__))
def meet(what, text):
    with open(os.path.join(HERE, "%d.%s" % (os.getpid(), what)), "w") as out: out.write(text)
    until = time.time() + 60
    while len([each for each in os.listdir(HERE) if each.endswith("." + what)]) < ${workers} and time.time() < until: time.sleep(0.01)
def pytest_sessionstart(session):
    if not hasattr(session.config, "workerinput"): return
    meet("ready", "")
    with open("/proc/self/smaps_rollup") as file: share = [line.split()[1] for line in file if line.startswith("Pss:")]
    meet("kb", share[0])
`;

const directory = await mkdtemp(join(tmpdir(), 'shardline-start-'));
try {
  await compareTimes(await suite('times', {}));
  for (const [name, command] of Object.entries(commands)) {
    const workspace = await suite(`memory of ${name}`, { 'conftest.py': CONFTEST });
    await time(command, workspace);
    const shares = (await readdir(workspace)).filter((file) => file.endsWith('.kb'));
    const kilobytes = await Promise.all(shares.map(async (file) => Number(await readFile(join(workspace, file), 'utf8'))));
    const sum = kilobytes.reduce((total, each) => total + each, 0);
    console.log(`memory: ${(sum / 1000).toFixed(1)} MB in ${shares.length} workers, ${name}`);
  }
} finally {
  await rm(directory, { recursive: true });
}

async function compareTimes(workspace: string): Promise<void> {
  const ran = new Map<string, Ran[]>(Object.keys(commands).map((name) => [name, []]));
  // The first runs fill caches.
  for (const command of Object.values(commands)) await time(command, workspace);
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    const order = Object.entries(commands);
    for (const [name, command] of round % 2 === 0 ? order : order.toReversed()) ran.get(name)?.push(await time(command, workspace));
    console.log(`round ${round}: ${[...ran].map(([name, all]) => `${name} ${shown(all.at(-1))}`).join(', ')}`);
  }
  const forked = ran.get('forked') ?? [];
  for (const measure of ['wall', 'processor'] as const) {
    const own = forked.map((each) => each[measure]);
    for (const [name, all] of ran) {
      const others = all.map((each) => each[measure]);
      const ratios = own.map((each, at) => each / (others[at] ?? Number.NaN)).sort((left, right) => left - right);
      const range = `from ${ratios[0]?.toFixed(2)} to ${ratios.at(-1)?.toFixed(2)}`;
      const beside = `median ${middle(own).toFixed(2)} s beside ${middle(others).toFixed(2)} s`;
      if (name !== 'forked') console.log(`${measure}: forked ÷ ${name}: median ${middle(ratios).toFixed(2)}, ${range}; ${beside}`);
    }
  }
}

async function time({ argv, env }: Command, workspace: string): Promise<Ran> {
  const { stdout } = await execa(python, ['-c', TIMED, ...argv], { cwd: workspace, env, stderr: 'ignore' });
  const [wall = Number.NaN, processor = Number.NaN] = stdout.split(' ').map(Number);
  return { wall, processor };
}

/** A folder with one trivial test and these files. */
async function suite(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const all = { 'pytest.ini': '[pytest]\n', 'test_a.py': 'def test_a(): pass\n', ...files };
  for (const [file, text] of Object.entries(all)) {
    const path = join(directory, name, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  return join(directory, name);
}

function middle(of: readonly number[]): number {
  return median(of) ?? Number.NaN;
}

function shown(ran: Ran | undefined): string {
  return ran === undefined ? '' : `${ran.wall.toFixed(2)} s (${ran.processor.toFixed(2)} s of processors)`;
}
