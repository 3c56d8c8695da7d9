// Checkouts of the commits that runs name, from a cache of repositories. What a run names comes from Redis: only repositories that this
// agent's configuration allows are fetched, and only its own command prepares a checkout.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunSource } from '../../shared/domain/run-source.ts';
import type { RunSpec } from '../../shared/domain/run-spec.ts';
import { messageOf, reasonOf, ShardlineError } from '../../shared/errors.ts';
import { holdDirectory } from '../../shared/system/files/hold-directory.ts';
import { isDirectory } from '../../shared/system/files/is-directory.ts';
import { isInside } from '../../shared/system/files/is-inside.ts';
import { makeDirectory } from '../../shared/system/files/make-directory.ts';
import { PRIVATE } from '../../shared/system/files/replace-file.ts';
import { pythonBeside } from '../../shared/system/python.ts';
import { isAllowedRepository, protocolOf } from '../core/allowed-repository.ts';
import { lockFilesIn } from '../core/lock-files.ts';
import { type OpenWorkspace, RunOver, type Workspaces } from '../ports.ts';
import { type CacheLimits, type HeldCheckout, removeOldest, takeNew, takePrepared, writeNote } from './checkouts.ts';
import { type GitCall, git } from './git.ts';
import { prepareCheckout } from './prepare.ts';

export interface GitWorkspaceOptions {
  /** The directory of the cache. Agents of one user on one machine share it. */
  readonly cache: string;
  /** See `isAllowedRepository`. */
  readonly allowed: readonly string[];
  /** The shell command that prepares a checkout; null for none. */
  readonly prepare: string | null;
  readonly lockFiles: readonly string[];
  /** How many checkouts to keep besides those in use. */
  readonly keep: number;
  /** Disk that the cache may take, in bytes; null for no limit. Checkouts in use count too. */
  readonly maxBytes: number | null;
  /** The interpreter for a checkout without `.venv`. */
  readonly python: string;
  /** Receives a line before each step that may take long, and each problem that costs no run its checkout. */
  readonly say: (line: string) => void;
  /** Aborts when the agent has only seconds left. Then the cache stays as it is. */
  readonly leaving: AbortSignal;
}

type Cache = GitWorkspaceOptions & CacheLimits;

export interface GitWorkspaces extends Workspaces {
  /** The commit of the run that got its directory last; null while no run has one. */
  commit(): string | null;
}

/** How often to look whether another agent has finished with a repository. */
const AGAIN_MS = 200;

/**
 * Throws `no-source`, `repository-not-allowed`, `uncommitted-changes`, `checkout-failed` and `prepare-failed`; `RunOver` when the signal
 * aborts.
 */
export function gitWorkspaces(options: GitWorkspaceOptions): GitWorkspaces {
  const inUse = new Map<OpenWorkspace, string>();
  let isMeasured = true;
  const unmeasured = (): void => {
    const { cache } = options;
    if (isMeasured) options.say(`could not measure ${cache} with du, so --max-workspace-size has no effect. Fix: run du -sk ${cache}`);
    isMeasured = false;
  };
  const limited: Cache = { ...options, unmeasured };
  return {
    async open(spec, signal) {
      try {
        const source = sourceOf(spec, options.allowed);
        const workspace = await open(limited, source, signal);
        const counted: OpenWorkspace = {
          ...workspace,
          async [Symbol.asyncDispose]() {
            inUse.delete(counted);
            await workspace[Symbol.asyncDispose]();
          },
        };
        inUse.set(counted, source.commit);
        return counted;
      } catch (thrown) {
        throw signal.aborted ? new RunOver() : thrown;
      }
    },
    commit: () => [...inUse.values()].at(-1) ?? null,
  };
}

/** What to fetch for the run, if this agent may fetch it and can then have the run's files. */
function sourceOf({ runId, source, files, fingerprintPolicy }: RunSpec, allowed: readonly string[]): RunSource {
  if (source === null || source === undefined) throw new ShardlineError('no-source', { runId });
  const { repository } = source;
  if (!isAllowedRepository(repository, allowed)) throw new ShardlineError('repository-not-allowed', { repository });
  const changed = files?.git?.changedFiles ?? 0;
  if (changed > 0 && fingerprintPolicy === 'strict') throw new ShardlineError('uncommitted-changes', { runId, files: changed });
  return source;
}

async function open(options: Cache, source: RunSource, signal: AbortSignal): Promise<OpenWorkspace> {
  const { cache } = options;
  const checkout = await checkedOut(options, source, signal);
  try {
    const directory = join(checkout.directory, source.directory);
    if (!(await isDirectory(directory)) || !(await isInside(checkout.directory, directory)))
      throw new ShardlineError('checkout-failed', { ...named(source), problem: `it has no directory ${source.directory}` });
    return {
      directory,
      python: (await pythonBeside(directory)) ?? options.python,
      async [Symbol.asyncDispose]() {
        try {
          await writeNote(checkout.directory, { prepared: checkout.prepared, usedAt: Date.now() });
          await checkout[Symbol.asyncDispose]();
          await removeOldest(cache, options, options.leaving);
        } catch (thrown) {
          // The run has its results, and a full disk must not cost the pool its agent.
          options.say(`could not tidy up ${cache}: ${reasonOf(thrown)}`);
        }
      },
    };
  } catch (thrown) {
    await checkout[Symbol.asyncDispose]();
    throw thrown;
  }
}

interface PreparedCheckout extends HeldCheckout {
  readonly prepared: string;
}

/** A checkout of the commit that is prepared. */
async function checkedOut(options: Cache, source: RunSource, signal: AbortSignal): Promise<PreparedCheckout> {
  const { prepare, say } = options;
  const { checkout, prepared, isPrepared } = await fetched(options, source, signal);
  try {
    await writeNote(checkout.directory, { prepared: isPrepared ? prepared : null, usedAt: Date.now() });
    if (!isPrepared && prepare !== null) {
      say(`preparing ${short(source.commit)} of ${source.repository}: ${prepare}`);
      const failed = await prepareCheckout(prepare, checkout.directory, signal);
      if (failed !== null) {
        const { repository, commit } = source;
        throw new ShardlineError('prepare-failed', { command: prepare, repository, commit: short(commit), ...failed });
      }
    }
    await writeNote(checkout.directory, { prepared, usedAt: Date.now() });
    return { directory: checkout.directory, prepared, [Symbol.asyncDispose]: () => checkout[Symbol.asyncDispose]() };
  } catch (thrown) {
    await checkout[Symbol.asyncDispose]();
    throw thrown;
  }
}

interface Fetched {
  readonly checkout: HeldCheckout;
  /** What its preparation depends on: the command, and the lock files of the commit. */
  readonly prepared: string;
  readonly isPrepared: boolean;
}

/** A checkout of the commit, maybe one that an earlier run prepared. One agent at a time works in the repository. */
async function fetched(options: Cache, source: RunSource, signal: AbortSignal): Promise<Fetched> {
  const { cache, prepare, lockFiles, say } = options;
  const folder = join(cache, createHash('sha256').update(source.repository).digest('hex').slice(0, 16));
  const repository = join(folder, 'repository.git');
  makeDirectory(repository, PRIVATE.directory);
  await using _ = await holdWhenFree(repository, signal);
  const call: GitCall = { cwd: repository, signal };
  try {
    await fetchCommit(call, source, say);
    const tree = prepare === null ? '' : await git(call, 'ls-tree', '-r', '-z', source.commit);
    const prepared = digestOf([prepare ?? '', ...lockFilesIn(tree, lockFiles)]);
    const ready = await takePrepared(folder, prepared);
    if (ready === null) await removeOldest(cache, { ...options, keep: options.keep - 1 }, signal);
    const checkout = ready ?? (await takeNew(folder));
    try {
      await putCommit(call, checkout.directory, source.commit, ready === null);
      return { checkout, prepared, isPrepared: ready !== null };
    } catch (thrown) {
      await checkout[Symbol.asyncDispose]();
      throw thrown;
    }
  } catch (thrown) {
    if (signal.aborted || thrown instanceof ShardlineError) throw thrown;
    throw new ShardlineError('checkout-failed', { ...named(source), problem: messageOf(thrown) }, { cause: thrown });
  }
}

const short = (commit: string): string => commit.slice(0, 12);
const named = ({ repository, commit }: RunSource) => ({ repository, commit: short(commit) });

/** Fetches the commit alone if the server allows it, else all branches and tags. */
async function fetchCommit(call: GitCall, { repository, commit }: RunSource, say: (line: string) => void): Promise<void> {
  if (!existsSync(join(call.cwd, 'HEAD'))) await git(call, 'init', '--quiet', '--bare', '--template=');
  const has = (): Promise<boolean> =>
    git(call, 'cat-file', '-e', `${commit}^{commit}`).then(
      () => true,
      () => false,
    );
  if (await has()) return;
  call.signal.throwIfAborted();
  say(`fetching ${short(commit)} from ${repository}`);
  const fetching = { ...call, protocol: protocolOf(repository) };
  const fetch = [
    'fetch',
    '--quiet',
    '--no-tags',
    '--no-write-fetch-head',
    '--no-recurse-submodules',
    '--depth=1',
    '--end-of-options',
    repository,
  ];
  try {
    await git(fetching, ...fetch, commit);
  } catch (thrown) {
    call.signal.throwIfAborted();
    const all = fetch.filter((arg) => arg !== '--depth=1');
    await git(fetching, ...all, '+refs/heads/*:refs/fetched/heads/*', '+refs/tags/*:refs/fetched/tags/*');
    if (!(await has())) throw thrown;
  }
}

/** Puts exactly the files of the commit there. Files that git ignores stay, as those of a preparation, and so does `.venv`. */
async function putCommit(call: GitCall, directory: string, commit: string, isNew: boolean): Promise<void> {
  if (isNew) {
    await git(call, 'worktree', 'prune');
    await git(call, 'worktree', 'add', '--quiet', '--force', '--detach', directory, commit);
    return;
  }
  const here = { ...call, cwd: directory };
  await git(here, 'checkout', '--quiet', '--force', '--detach', commit);
  await git(here, 'clean', '--quiet', '-ffd', '--exclude=.venv');
}

const digestOf = (parts: readonly string[]): string => createHash('sha256').update(parts.join('\0')).digest('hex');

async function holdWhenFree(directory: string, signal: AbortSignal): Promise<AsyncDisposable> {
  for (;;) {
    try {
      return await holdDirectory(directory);
    } catch (thrown) {
      if (!(thrown instanceof ShardlineError) || thrown.code !== 'out-in-use') throw thrown;
      await delay(AGAIN_MS, undefined, { signal });
    }
  }
}
