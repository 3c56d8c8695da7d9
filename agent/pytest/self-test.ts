// Tests on a tiny project whether a pytest can be fed, before a run relies on it. Keeps a success for the next agent.

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pluginPath } from '../../shared/pytest/plugin-path.ts';
import { PRIVATE, replaceFile } from '../../shared/system/files/replace-file.ts';
import type { OtherUser } from '../../shared/system/other-user.ts';
import type { StartedPytest } from './attempt-log.ts';
import { tryOut } from './stream-self-test.ts';

/** Resolves with the reason why this pytest cannot be fed, or null when it can. Never rejects. */
export type SelfTest = (python: string, started: StartedPytest, user: OtherUser | null) => Promise<string | null>;

/**
 * Tests each combination of interpreter, pytest, xdist and plugin once. A success is kept as a file in `directory`; a failure is tested
 * again. If the directory cannot be read or written, the only cost is another test.
 */
export function selfTestCachedIn(directory: string): SelfTest {
  return async (python, started, user) => {
    const path = join(directory, `fed-${await keyOf(started)}.json`);
    if (await isKept(path)) return null;
    const problem = await tryOut(python, user);
    if (problem === null) await keep(path, started);
    return problem;
  };
}

async function keyOf({ executable, python, pytest, xdist }: StartedPytest): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([executable, python, pytest, xdist]));
  for (const entry of (await readdir(pluginPath(), { recursive: true })).filter((name) => name.endsWith('.py')).sort()) {
    hash.update(`\0${entry}\0`).update(await readFile(join(pluginPath(), entry)));
  }
  return hash.digest('hex').slice(0, 32);
}

async function isKept(path: string): Promise<boolean> {
  try {
    const kept: unknown = JSON.parse(await readFile(path, 'utf8'));
    return typeof kept === 'object' && kept !== null && 'canBeFed' in kept && kept.canBeFed === true;
  } catch {
    // The file is missing or unreadable, so the test runs again; that is the only cost.
    return false;
  }
}

async function keep(path: string, started: StartedPytest): Promise<void> {
  try {
    await replaceFile(path, JSON.stringify({ canBeFed: true, ...started }), PRIVATE);
  } catch {
    // Without the file the next agent repeats the test; that is the only cost.
  }
}
