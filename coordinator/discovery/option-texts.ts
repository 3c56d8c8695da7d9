// Reads the files from which pytest may take options, as text. Only pytest interprets them.

import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const CONFIG_FILES = ['pytest.toml', '.pytest.toml', 'pytest.ini', '.pytest.ini', 'pyproject.toml', 'tox.ini', 'setup.cfg'] as const;

/** Texts of all such files in the workspace and above it. */
export async function configTexts(workspace: string): Promise<readonly string[]> {
  const paths = [workspace, ...above(workspace)].flatMap((directory) => CONFIG_FILES.map((name) => join(directory, name)));
  const found = await Promise.all(paths.map((path) => readFile(path, 'utf8').catch(() => null)));
  return found.filter((text) => text !== null);
}

/** The directories above this one, nearest first. */
function above(directory: string): readonly string[] {
  const parent = dirname(directory);
  return parent === directory ? [] : [parent, ...above(parent)];
}
