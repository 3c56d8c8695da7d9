// What launch.py is told, as JSON in a private directory. Its Python readers are plugin/launch.py and plugin/lib/shardline_pytest.

import { rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { CacheValues } from '../domain/pytest-cache.ts';
import type { Relay } from '../domain/run-spec.ts';
import type { Selector } from '../domain/shard.ts';
import { messageOf, ShardlineError } from '../errors.ts';
import { makeTempDirectory } from '../system/temp-directory.ts';

/** Arguments that come before the user's: xdist also where plugins are not loaded by themselves, and our own plugin. */
const PLUGIN_ARGS = ['-p', 'xdist', '-p', 'shardline_pytest.plugin'] as const;

/** What a pytest that is only measured loads: nothing that changes what it does. */
const MEASURING_ARGS = ['-p', 'xdist', '-p', 'shardline_pytest.measurement'] as const;

/** A discovery ends before anything is imported; a stream receives over its socket what to run; what is measured runs as plain pytest does. */
export type PytestTask =
  | {
      readonly mode: 'measure';
      /** Where it writes what it measured: beginnings of file names. */
      readonly recordPath: string;
      /** What is told where a package is missing. */
      readonly resultPath: string;
      readonly pytestArgs: readonly string[];
      /** After the user's own, so that these win. */
      readonly lastArgs: readonly string[];
      readonly serialMarker: string;
      /** Whether it tells on standard error for which file modules are imported. */
      readonly listsImports: boolean;
    }
  | { readonly mode: 'discover'; readonly resultPath: string; readonly pytestArgs: readonly string[]; readonly serialMarker: string }
  | {
      /** The mark of tests that are put off, as they must run alone. */
      readonly serialMarker: string;
      readonly stopsItself: boolean;
      /** One session for as long as the agent feeds its xdist workers. */
      readonly mode: 'stream';
      /** Where pytest-cov's data go, for the agent; null where pytest-cov is left alone. */
      readonly coverageFile: string | null;
      readonly relay: Relay;
      /** What pytest reads from its cache; null for what is on this disk. */
      readonly cache: CacheValues | null;
      /** Whether tests that the arguments name may be gone. */
      readonly mayMiss: boolean;
      /** Hooks that the user vouches for: they treat each test by itself. */
      readonly harmless: readonly string[];
      readonly maxWorkerBytes: number;
      readonly maxWorkerFiles: number;
      readonly socket: string;
      readonly pytestArgs: readonly string[];
      readonly numprocesses: string;
      readonly maxAutoWorkers: number;
      readonly limits: { readonly tracebackBytes: number; readonly sectionBytes: number };
    };

/** A new private directory for session files and sockets; its maker removes it. Throws `no-temp-directory`. */
export async function makeSessionDirectory(): Promise<string> {
  return makeTempDirectory('shardline-');
}

export async function removeSessionDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}

/** Writes the task to `path`. Ours come first among the arguments, so that the user's own `-n` wins. Throws `no-temp-directory`. */
export async function writeSessionFile(path: string, task: PytestTask): Promise<void> {
  const unless = { maxAutoWorkers: null, coverageFile: null, lastArgs: [] };
  try {
    await writeFile(path, JSON.stringify({ ...unless, ...task, ownArgs: ownArgs(task) }), { mode: 0o600 });
  } catch (thrown) {
    throw new ShardlineError('no-temp-directory', { places: dirname(path), problem: messageOf(thrown) }, { cause: thrown });
  }
}

function ownArgs(task: PytestTask): readonly string[] {
  if (task.mode === 'measure') return MEASURING_ARGS;
  if (task.mode === 'discover') return PLUGIN_ARGS;
  const args = [...PLUGIN_ARGS, '-n', task.numprocesses, '--continue-on-collection-errors'];
  // A crashed worker is replaced for as long as there is work: the agent decides what a crash costs.
  return [...args, '--max-worker-restart', '100000'];
}

/** A selector as the plugin reads it. */
export const selectorAsJson = (selector: Selector) => ({
  file: selector.file,
  nodeids: selector.kind === 'tests' ? selector.nodeids : selector.kind === 'part' ? selector.only : null,
  except: selector.kind === 'part' ? selector.except : [],
  /** Whether a node id that is not there is no mistake. */
  mayMiss: selector.kind === 'part' || (selector.kind === 'tests' && selector.mayMiss === true),
});
