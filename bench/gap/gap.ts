// Measures how long an xdist worker waits between two files: from the end of one file's last test to the start of the next file's
// collection.
//
//   node bench/gap/gap.ts [--files 400] [--tests 5] [--python PATH]
//
// It makes whole runs of tiny files with -n 2. The first run knows no durations, so each file is a shard of its own. In the second, tiny
// files share a shard. The suite's own conftest takes the times in the xdist workers. Prints median, 95th percentile and largest gap of
// each run.

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';

const shardline = fileURLToPath(new URL('../../cli/shardline.ts', import.meta.url));
const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '400' },
    tests: { type: 'string', default: '5' },
    python: { type: 'string', default: fileURLToPath(new URL('../../.venv/bin/python', import.meta.url)) },
  },
});

/** Uses only hooks for which shardline need not relay reports. */
const CONFTEST = `
import json, os, time
import pytest
HERE = os.path.dirname(os.path.abspath(__file__))
TIMES = []
@pytest.hookimpl(tryfirst=True)
def pytest_collection(session): TIMES.append(["collecting", time.perf_counter()])
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    yield
    TIMES.append(["tested", time.perf_counter()])
def pytest_sessionfinish(session):
    if hasattr(session.config, "workerinput"):
        with open(os.path.join(HERE, "times-%d.json" % os.getpid()), "w") as out: json.dump(TIMES, out)
`;

const directory = await mkdtemp(join(tmpdir(), 'shardline-gap-'));
try {
  const tests = Array.from({ length: Number(values.tests) }, (_, index) => `def test_${index}(): pass\n`).join('');
  const files = Array.from({ length: Number(values.files) }, (_, index) => `tests/d${index % 10}/test_${index}.py`);
  await write('pytest.ini', '[pytest]\n');
  await write('conftest.py', CONFTEST);
  for (const file of files) await write(file, tests);
  for (const run of ['first run', 'second run']) {
    const startedAt = performance.now();
    const args = [
      '--quiet',
      '--agents',
      '1',
      '-n',
      '2',
      '--python',
      values.python,
      '--workspace',
      directory,
      '--out',
      join(directory, 'out'),
    ];
    await execa(process.execPath, [shardline, 'run', ...args, 'tests', '--', '-p', 'no:cacheprovider', '--import-mode=importlib'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const seconds = (performance.now() - startedAt) / 1000;
    const gaps = (await timesOfWorkers()).flatMap(gapsOf).toSorted((left, right) => left - right);
    const at = (part: number): string =>
      ((gaps[Math.min(gaps.length - 1, Math.floor(gaps.length * part))] ?? Number.NaN) * 1000).toFixed(2);
    console.log(
      `${run}: ${gaps.length} gaps, median ${at(0.5)} ms, p95 ${at(0.95)} ms, largest ${at(1)} ms; the run took ${seconds.toFixed(1)} s`,
    );
  }
} finally {
  await rm(directory, { recursive: true });
}

type Times = readonly (readonly ['collecting' | 'tested', number])[];

/** Reads and removes the file that each xdist worker wrote. */
async function timesOfWorkers(): Promise<readonly Times[]> {
  const names = (await readdir(directory)).filter((name) => name.startsWith('times-'));
  return await Promise.all(
    names.map(async (name) => {
      const times = JSON.parse(await readFile(join(directory, name), 'utf8')) as Times;
      await rm(join(directory, name));
      return times;
    }),
  );
}

function gapsOf(times: Times): readonly number[] {
  return times.flatMap(([kind, at], index) => {
    const before = times[index - 1];
    return kind === 'collecting' && before?.[0] === 'tested' ? [at - before[1]] : [];
  });
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(directory, path)), { recursive: true });
  await writeFile(join(directory, path), text);
}
