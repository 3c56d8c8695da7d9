// Measures the memory that one xdist worker holds after many files: its resident memory after 1, 250, 500 and 1000 tiny files in one
// session, -n 1. Linux only.
//
//   node bench/memory/memory.ts [--files 1000] [--tests 5] [--python PATH]
//
// The suite's own conftest reads the memory in the xdist worker, at the first test of each of these files. Plain sequential pytest is
// measured at the same files of the same suite for comparison. It has collected all files by then.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';

const shardline = fileURLToPath(new URL('../../cli/shardline.ts', import.meta.url));
const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '1000' },
    tests: { type: 'string', default: '5' },
    python: { type: 'string', default: fileURLToPath(new URL('../../.venv/bin/python', import.meta.url)) },
  },
});
const count = Number(values.files);
const marks = [1, count / 4, count / 2, count];

/** Uses only hooks for which shardline need not relay reports. */
const CONFTEST = `
import json, os
import pytest
HERE = os.path.dirname(os.path.abspath(__file__))
FILES = set()
HELD = {}
@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    if item.path in FILES: return
    FILES.add(item.path)
    if len(FILES) in ${JSON.stringify(marks)}:
        with open("/proc/self/statm") as statm: HELD[len(FILES)] = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
def pytest_sessionfinish(session):
    if HELD:
        with open(os.path.join(HERE, "held.json"), "w") as out: json.dump(HELD, out)
`;

const directory = await mkdtemp(join(tmpdir(), 'shardline-memory-'));
try {
  const tests = Array.from({ length: Number(values.tests) }, (_, index) => `def test_${index}(): pass\n`).join('');
  await write('pytest.ini', '[pytest]\n');
  await write('conftest.py', CONFTEST);
  for (let index = 0; index < count; index += 1) await write(`tests/d${index % 10}/test_${index}.py`, tests);

  const own = ['--quiet', '--agents', '1', '-n', '1', '--python', values.python, '--workspace', directory, '--out', join(directory, 'out')];
  const pytestArgs = ['-p', 'no:cacheprovider', '--import-mode=importlib'];
  await execa(process.execPath, [shardline, 'run', ...own, 'tests', '--', ...pytestArgs], { stdio: ['ignore', 'ignore', 'inherit'] });
  await print('a fed xdist worker');
  await execa(values.python, ['-m', 'pytest', '-q', ...pytestArgs, 'tests'], { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] });
  await print('plain pytest');
} finally {
  await rm(directory, { recursive: true });
}

async function print(what: string): Promise<void> {
  const held = JSON.parse(await readFile(join(directory, 'held.json'), 'utf8')) as Readonly<Record<string, number>>;
  const shown = Object.entries(held).map(([files, bytes]) => `${(bytes / 1e6).toFixed(1)} MB at file ${files}`);
  console.log(`${what}: ${shown.join(', ')}`);
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(directory, path)), { recursive: true });
  await writeFile(join(directory, path), text);
}
