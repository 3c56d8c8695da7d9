// Finds the files of a finished run by the name that a user gives.

import { existsSync, readdirSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ShardlineError } from '../errors.ts';

/** The folder with a folder for each run of the workspace. */
export const runsOf = (workspace: string): string => join(workspace, '.shardline', 'runs');

/** The folders of the workspace's runs, the newest first. Names do not tell: those of CI runs have no time. */
export async function runFolders(workspace: string): Promise<readonly string[]> {
  const dated = await Promise.all((await allFolders(workspace)).map(async (path) => ({ path, at: await lastWrittenAt(path) })));
  return dated
    .filter(({ at }) => at !== null)
    .sort((left, right) => (right.at ?? 0) - (left.at ?? 0) || (left.path < right.path ? 1 : -1))
    .map(({ path }) => path);
}

/**
 * When the run recorded its last event, in milliseconds since the epoch. A run without events counts by its report. null for a folder with
 * neither, which is not a run.
 */
async function lastWrittenAt(folder: string): Promise<number | null> {
  for (const name of ['events.ndjson', 'report.json']) {
    const found = await stat(join(folder, name)).catch(() => null);
    if (found !== null) return found.mtimeMs;
  }
  return null;
}

/** A run that is starting has an empty folder for less time. */
const STARTING_MS = 60_000;

/** Empty folders where runs were killed before they wrote anything. */
export async function leftFolders(workspace: string): Promise<readonly string[]> {
  const left: string[] = [];
  for (const path of await allFolders(workspace)) if (await isLeft(path)) left.push(path);
  return left;
}

async function isLeft(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length === 0 && Date.now() - (await stat(path)).mtimeMs > STARTING_MS;
  } catch {
    // It was removed meanwhile, or is not readable.
    return false;
  }
}

async function allFolders(workspace: string): Promise<readonly string[]> {
  const folder = runsOf(workspace);
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
}

/** The folder of the workspace's newest run that has a report. Throws `no-run`. */
export async function newestRun(workspace: string): Promise<string> {
  for (const folder of await runFolders(workspace)) if (existsSync(join(folder, 'report.json'))) return folder;
  throw new ShardlineError('no-run', { folder: runsOf(workspace) });
}

const holdsRun = (folder: string): boolean => ['report.json', 'events.ndjson'].some((name) => existsSync(join(folder, name)));

/** The names of the folders with a run in the named folder, which is none itself; `parts/*`, which no shell has expanded, means `parts`. */
export function runsBelow(name: string, cwd: string): readonly string[] {
  const folder = resolve(cwd, name.replace(/\*$/, ''));
  if (holdsRun(folder)) return [];
  try {
    return readdirSync(folder)
      .filter((entry) => holdsRun(join(folder, entry)))
      .sort((left, right) => left.localeCompare(right, 'en', { numeric: true }));
  } catch {
    return [];
  }
}

/** Returns the named file, the named folder with a run, or the folder of the run with this id in `.shardline/runs`. Throws `not-a-result`. */
export async function findRun(name: string, cwd: string): Promise<{ readonly kind: 'file' | 'folder'; readonly path: string }> {
  const given = resolve(cwd, name);
  let problem = 'no such file or directory';
  for (const path of [given, join(runsOf(cwd), name)]) {
    const found = await stat(path).catch(() => null);
    if (found?.isFile()) return { kind: 'file', path };
    if (!found?.isDirectory()) continue;
    if (holdsRun(path)) return { kind: 'folder', path };
    problem = 'it has no report.json and no events.ndjson';
  }
  throw new ShardlineError('not-a-result', { path: given, problem });
}
