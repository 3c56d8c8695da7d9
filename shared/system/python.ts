// The default interpreter for pytest.

import { access, constants } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The Python environment that pip installed shardline into. Source: the launcher of the Python package. */
export interface PipEnvironment {
  readonly python: string;
  /** Whether it is a virtual environment and not the machine's or the user's Python. */
  readonly isVirtual: boolean;
  readonly hasPytest: boolean;
}

export interface PythonSearch {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly workspace: string;
  /** null if shardline was not installed with pip. */
  readonly pip: PipEnvironment | null;
}

/**
 * The interpreter of the first environment of these that exists: the virtual environment that has shardline and pytest, the active
 * environment (`VIRTUAL_ENV`, `CONDA_PREFIX`), `.venv` in the workspace or above it in the same repository, and the machine's Python that
 * has shardline and pytest. Else `python3`, which is looked up on PATH when it starts.
 */
export async function findPython({ env, workspace, pip }: PythonSearch): Promise<string> {
  const own = pip?.hasPytest ? pip : null;
  if (own?.isVirtual) return own.python;
  const active = env.VIRTUAL_ENV || env.CONDA_PREFIX;
  if (active !== undefined && active !== '') return join(active, 'bin', 'python');
  return (await pythonBeside(workspace)) ?? own?.python ?? 'python3';
}

/** The interpreter of `.venv` in the workspace or above it, no higher than the root of the repository: what is above it belongs to others. */
export async function pythonBeside(workspace: string): Promise<string | null> {
  const repository = await rootAbove(workspace);
  for (let directory = workspace; ; directory = dirname(directory)) {
    const python = join(directory, '.venv', 'bin', 'python');
    if (await exists(python, constants.X_OK)) return python;
    if (directory === (repository ?? workspace)) return null;
  }
}

/** The workspace or the nearest directory above it that has `.git`; null outside a repository. */
async function rootAbove(workspace: string): Promise<string | null> {
  for (let directory = workspace; ; directory = dirname(directory)) {
    if (await exists(join(directory, '.git'))) return directory;
    if (directory === dirname(directory)) return null;
  }
}

const exists = (path: string, mode: number = constants.F_OK): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false,
  );
