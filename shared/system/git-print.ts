// The git state of a workspace: its commit, a digest of the differences from it, and its branch. It only reads and never changes the
// repository or its index.

import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import type { GitPrint } from '../domain/suite/fingerprint.ts';
import { asUser, type OtherUser } from './other-user.ts';

const GIT_MS = 10_000;
/** For a larger file only the size is compared. */
const READ_BYTES = 64 * 1024 * 1024;
/** Changed files beyond this number, more than a person makes by hand, are counted and named but not read. */
const READ_FILES = 2000;

/** Configuration files that change how pytest collects or runs. */
const configNames = new Set(['pytest.ini', '.pytest.ini', 'pytest.toml', '.pytest.toml', 'tox.ini', 'setup.cfg', 'pyproject.toml']);

/** Whether the file affects a test run, judged by its name. */
export const isRelevant = (path: string): boolean => path.endsWith('.py') || configNames.has(basename(path));

/**
 * null when git does not know the workspace: no git, no repository, no commit yet, or a directory that git ignores.
 * `user` runs git, which runs programs that the configuration of the repository names; null for this process's own user.
 */
export async function gitPrint(workspace: string, user: OtherUser | null = null): Promise<GitPrint | null> {
  const git = async (...args: string[]): Promise<string | null> => {
    const limits = { stdin: 'ignore', reject: false, timeout: GIT_MS, maxBuffer: 256 * 1024 * 1024 } as const;
    const options = { ...asUser(user, process.env), cwd: workspace, ...limits };
    const { failed, stdout } = await execa('git', ['--no-optional-locks', ...args], options);
    return failed ? null : stdout;
  };
  const [place, status, ignored] = await Promise.all([
    git('rev-parse', '--show-toplevel', '--show-prefix', 'HEAD'),
    git('status', '--porcelain=v2', '-z', '--untracked-files=all', '--no-renames', '--ignore-submodules=dirty'),
    git('check-ignore', '--quiet', '.'),
  ]);
  const [root = '', directory = '', commit = ''] = (place ?? '').split('\n');
  if (status === null || ignored !== null || commit === '') return null;
  const changed = changedIn(status);
  return { commit, directory, changedFiles: changed.length, changes: await digestOf(root, changed) };
}

/** A run does not wait longer for something that only its report shows. */
const CHECKOUT_MS = 2000;

/** The name of the repository's directory, and its branch (null for a detached HEAD); without git, the name of the workspace. Never rejects. */
export async function checkoutOf(workspace: string): Promise<{ readonly project: string; readonly branch: string | null }> {
  const options = { cwd: workspace, stdin: 'ignore', reject: false, timeout: CHECKOUT_MS } as const;
  const { failed, stdout } = await execa('git', ['rev-parse', '--show-toplevel', '--abbrev-ref', 'HEAD'], options);
  const [root = '', branch = 'HEAD'] = failed ? [] : stdout.split('\n');
  return { project: basename(root === '' ? workspace : root), branch: branch === 'HEAD' ? null : branch };
}

/** Sorted paths from the repository's root: every changed tracked file, and every relevant untracked file outside of Python environments. */
function changedIn(status: string): readonly string[] {
  const entries = status.split('\0');
  // Each machine has its own environment, in a directory with this file; the fingerprint compares Python and plugins by version.
  const environments = entries.flatMap((entry) => /^\? (.*\/)?pyvenv\.cfg$/s.exec(entry)?.[1] ?? []);
  const paths = entries.flatMap((entry): readonly string[] => {
    const untracked = /^\? (.*)$/s.exec(entry)?.[1];
    if (untracked !== undefined)
      return isRelevant(untracked) && !environments.some((root) => untracked.startsWith(root)) ? [untracked] : [];
    // `1 XY sub mH mI mW hH hI path` for a change, `u XY sub m1 m2 m3 mW h1 h2 h3 path` for an unmerged file.
    const tracked = /^1 (?:\S+ ){7}(.*)$/s.exec(entry)?.[1] ?? /^u (?:\S+ ){9}(.*)$/s.exec(entry)?.[1];
    return tracked === undefined ? [] : [tracked];
  });
  return paths.sort();
}

async function digestOf(root: string, paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const [index, path] of paths.entries()) {
    hash.update(`${path}\0`);
    if (index < READ_FILES) await addFile(hash, join(root, path));
  }
  return hash.digest('hex').slice(0, 12);
}

/** Adds the file's content, the target of a link, or the fact that the path does not exist. */
export async function addFile(hash: Hash, path: string): Promise<void> {
  try {
    const found = await lstat(path);
    if (found.isSymbolicLink()) hash.update(`link ${await readlink(path)}\0`);
    else if (!found.isFile()) hash.update('no file\0');
    else {
      hash.update(`${found.size}\0`);
      if (found.size <= READ_BYTES) for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
    }
  } catch {
    hash.update('missing\0');
  }
}
