// Which interpreter runs pytest when the user names none.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findPython, type PipEnvironment } from '../../../shared/system/python.ts';

let root = '';
let workspace = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'shardline-test-python-'));
  workspace = join(root, 'repository', 'services', 'billing');
  await mkdir(workspace, { recursive: true });
  await mkdir(join(root, 'repository', '.git'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function venvIn(directory: string): Promise<string> {
  const python = join(directory, '.venv', 'bin', 'python');
  await mkdir(dirname(python), { recursive: true });
  await writeFile(python, '', { mode: 0o755 });
  return python;
}
const find = (env: Record<string, string>, pip: PipEnvironment | null = null) => findPython({ env, workspace, pip });
const virtual: PipEnvironment = { python: '/tools/bin/python', isVirtual: true, hasPytest: true };
const machine: PipEnvironment = { python: '/usr/bin/python3', isVirtual: false, hasPytest: true };

test('python3 when there is no environment', async () => {
  expect(await find({})).toBe('python3');
  expect(await find({ VIRTUAL_ENV: '', CONDA_PREFIX: '' })).toBe('python3');
});

test('the active environment', async () => {
  await venvIn(workspace);
  expect(await find({ VIRTUAL_ENV: '/active' })).toBe('/active/bin/python');
  expect(await find({ CONDA_PREFIX: '/conda' })).toBe('/conda/bin/python');
});

test('.venv in the workspace, else above it up to the root of the repository', async () => {
  await venvIn(root);
  expect(await find({})).toBe('python3');
  const shared = await venvIn(join(root, 'repository'));
  expect(await find({})).toBe(shared);
  const own = await venvIn(workspace);
  expect(await find({})).toBe(own);
});

test('outside a repository, only .venv in the workspace itself', async () => {
  await rm(join(root, 'repository', '.git'), { recursive: true });
  await venvIn(dirname(workspace));
  expect(await find({})).toBe('python3');
  const own = await venvIn(workspace);
  expect(await find({})).toBe(own);
});

test('a virtual environment with shardline and pytest comes before all others', async () => {
  await venvIn(workspace);
  expect(await find({ CONDA_PREFIX: '/conda' }, virtual)).toBe('/tools/bin/python');
});

test("the machine's Python with shardline and pytest comes after the project's environments", async () => {
  expect(await find({}, machine)).toBe('/usr/bin/python3');
  expect(await find({ VIRTUAL_ENV: '/active' }, machine)).toBe('/active/bin/python');
  const own = await venvIn(workspace);
  expect(await find({}, machine)).toBe(own);
});

test("shardline in an environment without pytest, such as pipx's, does not count", async () => {
  expect(await find({}, { ...virtual, hasPytest: false })).toBe('python3');
});
