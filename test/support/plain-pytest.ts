// The counts of plain pytest, for comparison: pytest loads a recorder with `-p` that shares no code with shardline's plugin.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const here = fileURLToPath(new URL('.', import.meta.url));

export interface Counted {
  /** Outcome by node id. */
  readonly outcomes: Readonly<Record<string, string>>;
  /** The files that could not be collected, or the directories of broken conftests, sorted. */
  readonly uncollected: readonly string[];
}

/** Runs `python -m pytest ARGS` in `cwd`, without a cache. Throws if pytest ends without a summary. */
export async function countedByPlainPytest(python: string, cwd: string, args: readonly string[]): Promise<Counted> {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-plain-'));
  try {
    const record = join(directory, 'outcomes.json');
    const { all } = await execa(python, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-p', 'record_outcomes', ...args], {
      cwd,
      env: { RECORD_OUTCOMES: record, PYTHONPATH: here, PYTHONDONTWRITEBYTECODE: '1' },
      reject: false,
      all: true,
      stdin: 'ignore',
    });
    const text = await readFile(record, 'utf8').catch(() => {
      throw new Error(`plain pytest came to no summary:\n${all.slice(-4000)}`);
    });
    return JSON.parse(text) as Counted;
  } finally {
    await rm(directory, { recursive: true });
  }
}
