// Measures how soon -x stops a whole fleet: from the failing assertion to the last test that starts anywhere. Three agents, one xdist
// worker each.
//
//   node bench/maxfail/maxfail.ts [--rounds 10] [--python PATH]
//
// The suite is sixty files of ten tests that sleep 50 ms each; one test in the middle fails. The tests themselves log when they start,
// because agents do not report tests that start after the run has closed.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';

const shardline = fileURLToPath(new URL('../../cli/shardline.ts', import.meta.url));
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    python: { type: 'string', default: fileURLToPath(new URL('../../.venv/bin/python', import.meta.url)) },
  },
});

const FILES = 60;
/** Each line of the log is written at once and as a whole. */
const conftest = `import os, time
def begin(word):
    log = os.open("log.txt", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.write(log, f"{word} {time.time()}\\n".encode())
    os.close(log)
`;
const directory = await mkdtemp(join(tmpdir(), 'shardline-maxfail-'));
try {
  await mkdir(join(directory, 'tests'));
  for (let index = 0; index < FILES; index += 1) {
    const body = Array.from({ length: 10 }, (_, at) => `def test_${at}():\n    begin("begins")\n    time.sleep(0.05)\n`).join('');
    const failing = index === FILES / 2 ? 'def test_fails():\n    begin("fails")\n    assert 0\n' : '';
    await writeFile(join(directory, 'tests', `test_${index}.py`), `import time\nfrom conftest import begin\n${body}${failing}`);
  }
  await writeFile(join(directory, 'tests', 'conftest.py'), conftest);
  const delays: number[] = [];
  for (let round = 0; round < Number(values.rounds); round += 1) delays.push(await lastStartAfterFailureMs());
  delays.sort((left, right) => left - right);
  console.log(
    `last start after the failure: ${delays.map((delay) => delay.toFixed(0)).join(' ')} ms; median ${delays[Math.floor(delays.length / 2)]?.toFixed(0)}, worst ${delays.at(-1)?.toFixed(0)}`,
  );
} finally {
  await rm(directory, { recursive: true });
}

/** 0 if no test started after the failure. */
async function lastStartAfterFailureMs(): Promise<number> {
  const out = join(directory, 'out');
  const log = join(directory, 'log.txt');
  await rm(out, { recursive: true, force: true });
  await rm(log, { force: true });
  const args = [
    'run',
    '-x',
    '--quiet',
    '--agents',
    '3',
    '-n',
    '1',
    '--python',
    values.python,
    '--workspace',
    directory,
    '--out',
    out,
    'tests',
  ];
  // `npm test` installs a Redis server next to the interpreter.
  const env = { PATH: [dirname(values.python), process.env.PATH].join(delimiter) };
  const { exitCode } = await execa(process.execPath, [shardline, ...args, '--', '-p', 'no:cacheprovider'], {
    env,
    reject: false,
    stdio: 'ignore',
  });
  if (exitCode !== 1) throw new Error(`shardline run ended with exit code ${exitCode}`);
  const lines = (await readFile(log, 'utf8')).trim().split('\n');
  const marks = lines.map((line) => line.split(' ')).map(([word, at]) => ({ word, atMs: Number(at) * 1000 }));
  const failedAtMs = marks.find(({ word }) => word === 'fails')?.atMs;
  if (failedAtMs === undefined) throw new Error('the failing test did not run');
  return Math.max(0, ...marks.map(({ atMs }) => atMs - failedAtMs));
}
