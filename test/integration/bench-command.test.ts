// How the published benchmark runs and measures one command, and which names it knows.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { type Command, runCommand, type Used } from '../../bench/published/command.ts';
import { peersWith } from '../../bench/published/peers.ts';
import { publishedSuites } from '../../bench/published/suites.ts';

const bench = fileURLToPath(new URL('../../bench/published/bench.ts', import.meta.url));

async function used(script: string, options: Partial<Command> = {}): Promise<Used> {
  const cwd = await mkdtemp(join(tmpdir(), 'shardline-bench-'));
  try {
    await writeFile(join(cwd, 'program'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return await runCommand({ bin: cwd, argv: ['program'], cwd, limitSeconds: 60, failure: null, watchesMemory: false, ...options });
  } finally {
    await rm(cwd, { recursive: true });
  }
}

const BUSY = 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done';

test.runIf(process.platform === 'linux')('counts the CPU time of a process that outlives its parent', async () => {
  const [own, left] = [await used(BUSY), await used(`(${BUSY}) & exit 0`)];
  expect(own.failed).toBeNull();
  expect(left.failed).toBeNull();
  expect(left.cpuSeconds).toBeGreaterThan(own.cpuSeconds / 4);
});

test.runIf(process.platform === 'linux')('takes the time from a failure to its first report', async () => {
  const script = 'printf "..xs"; date +%s.%N > failed-at; printf F; echo FAILED';
  expect((await used(script, { failure: 'F' })).firstFailureSeconds).toEqual(expect.any(Number));
  expect((await used('date +%s.%N > failed-at', { failure: 'F' })).firstFailureSeconds).toBeNull();
  expect((await used(script)).firstFailureSeconds).toBeNull();
});

test.runIf(process.platform === 'linux')('samples memory on request', async () => {
  expect((await used('sleep 0.5', { watchesMemory: true })).peakBytes).toBeGreaterThan(0);
  expect((await used('true')).peakBytes).toBeNull();
});

test.runIf(process.platform === 'linux')(
  'a suite with failures ran; another exit code or the limit is a failure of the command',
  async () => {
    expect((await used('exit 1')).failed).toBeNull();
    expect((await used('echo no such option >&2; exit 4')).failed).toBe('exit code 4: no such option');
    expect((await used('sleep 100 & sleep 100', { limitSeconds: 1 })).failed).toBe('did not end within the limit');
  },
);

test('--list names every suite and every runner', async () => {
  const { stdout } = await execa(process.execPath, [bench, '--list']);
  const names = stdout.split('\n').map((line) => line.split(':')[0]);
  expect(names).toEqual([...publishedSuites.map(({ name }) => `suite ${name}`), ...peersWith(2).map(({ name }) => `peer ${name}`)]);
});

test('refuses an unknown suite, and names those that it knows', async () => {
  const { exitCode, stderr } = await execa(process.execPath, [bench, '--suites', 'trivial,nosuch'], { reject: false });
  expect(exitCode).toBe(4);
  expect(stderr).toContain('--suites has nosuch; known: trivial, tiny,');
});
