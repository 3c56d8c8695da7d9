// The input of launch.py: JSON in a private directory. plugin/launch.py and plugin/lib/shardline_pytest read it.

import { readdir, rm, rmdir, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import type { Relay } from '../domain/run-spec.ts';
import type { Selector } from '../domain/shard.ts';
import type { CacheValues } from '../domain/suite/pytest-cache.ts';
import { messageOf, ShardlineError } from '../errors.ts';
import { makeTempDirectory } from '../system/files/temp-directory.ts';
import { asUser, giveTo, letEnter, type OtherUser } from '../system/other-user.ts';

/** Arguments before the user's. The plugin loads xdist if pytest has not. */
const PLUGIN_ARGS = ['-p', 'shardline_pytest.plugin'] as const;

/** Arguments of a pytest that is only measured. They load nothing that changes its behaviour. */
const MEASURING_ARGS = ['-p', 'shardline_pytest.measurement'] as const;

/** Time to empty the directories of another user. */
const REMOVE_MS = 60_000;

/** `discover` ends before it imports anything, `stream` receives its tests over a socket, and `measure` runs as plain pytest does. */
export type PytestTask =
  | {
      readonly mode: 'measure';
      /** Prefix of the files for its measurements. */
      readonly recordPath: string;
      /** The file that reports a missing package. */
      readonly resultPath: string;
      readonly pytestArgs: readonly string[];
      /** Arguments after the user's, so that these win. */
      readonly lastArgs: readonly string[];
      readonly serialMarker: string;
      /** Whether to report on standard error for which file each module is imported. */
      readonly listsImports: boolean;
    }
  | { readonly mode: 'discover'; readonly resultPath: string; readonly pytestArgs: readonly string[]; readonly serialMarker: string }
  | {
      /** The mark of tests that are postponed because they must run alone. */
      readonly serialMarker: string;
      readonly stopsItself: boolean;
      /** One session, for as long as the agent feeds its xdist workers. */
      readonly mode: 'stream';
      /** The path of pytest-cov's data for the agent; null when shardline leaves pytest-cov alone. */
      readonly coverageFile: string | null;
      readonly relay: Relay;
      /** The values that pytest reads from its cache; null when it reads the cache on this disk. */
      readonly cache: CacheValues | null;
      /** Whether tests that the arguments name may no longer exist. */
      readonly mayMiss: boolean;
      /** Hooks that treat each test by itself, as the user declares. */
      readonly harmless: readonly string[];
      readonly maxWorkerBytes: number;
      readonly maxWorkerFiles: number;
      /** How many pytest processes of this run have started before in this workspace; -1 if unknown. */
      readonly ordinal: number;
      readonly socket: string;
      readonly pytestArgs: readonly string[];
      readonly numprocesses: string;
      readonly maxAutoWorkers: number;
      readonly limits: { readonly tracebackBytes: number; readonly sectionBytes: number };
    };

/**
 * Creates a private directory for session files and sockets, which `user` may enter. The caller removes it. Throws `no-temp-directory`.
 */
export async function makeSessionDirectory(user: OtherUser | null = null): Promise<string> {
  const directory = makeTempDirectory('shardline-');
  await letEnter(user, directory);
  return directory;
}

/** With `user`, the directories in it belong to that user. */
export async function removeSessionDirectory(directory: string, user: OtherUser | null = null): Promise<void> {
  if (user === null) return rm(directory, { recursive: true, force: true });
  // In a directory of another user, a link may replace what this process is about to remove. So the user itself empties its directories.
  const entries = await readdir(directory, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(directory, name));
  if (folders.length > 0) {
    await execa('rm', ['-rf', '--', ...folders], {
      ...asUser(user, process.env),
      cwd: '/',
      stdio: 'ignore',
      reject: false,
      timeout: REMOVE_MS,
    });
  }
  // A process of the user may still write there. What it keeps stays.
  await Promise.allSettled(entries.map((entry) => (entry.isDirectory() ? rmdir : unlink)(join(directory, entry.name))));
  await rmdir(directory).catch(() => undefined);
}

/** Writes the task to `path`. shardline's arguments come first, so that the user's own `-n` wins. `user` runs pytest. Throws `no-temp-directory`. */
export async function writeSessionFile(path: string, task: PytestTask, user: OtherUser | null = null): Promise<void> {
  const unless = { maxAutoWorkers: null, coverageFile: null, lastArgs: [] };
  try {
    await writeFile(path, JSON.stringify({ ...unless, ...task, ownArgs: ownArgs(task) }), { mode: 0o600 });
    await giveTo(user, path, 0o400);
  } catch (thrown) {
    throw new ShardlineError('no-temp-directory', { places: dirname(path), problem: messageOf(thrown) }, { cause: thrown });
  }
}

function ownArgs(task: PytestTask): readonly string[] {
  if (task.mode === 'measure') return MEASURING_ARGS;
  if (task.mode === 'discover') return PLUGIN_ARGS;
  // Options of xdist are one word each: pytest would take the second word for a path while xdist is not loaded yet.
  const args = [...PLUGIN_ARGS, `-n${task.numprocesses}`, '--continue-on-collection-errors'];
  // xdist replaces every crashed worker while there is work: the agent decides what a crash costs.
  return [...args, '--max-worker-restart=100000'];
}

/** A selector in the format that the plugin reads. */
export const selectorAsJson = (selector: Selector) => ({
  file: selector.file,
  nodeids: selector.kind === 'tests' ? selector.nodeids : selector.kind === 'part' ? selector.only : null,
  except: selector.kind === 'part' ? selector.except : [],
  /** Whether a missing node id is acceptable. */
  mayMiss: selector.kind === 'part' || (selector.kind === 'tests' && selector.mayMiss === true),
});
