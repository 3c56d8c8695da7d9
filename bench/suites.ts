// Provides the suites for benches: large third-party ones in a Python environment of their own, and generated ones that each show one
// effect.

import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { generateSuite, writeSuite } from '../examples/generate.ts';

export interface BenchSuite {
  readonly workspace: string;
  /** Relative to the workspace. */
  readonly paths: readonly string[];
  /** Arguments for pytest, the same for every runner. */
  readonly options: readonly string[];
}

const here = fileURLToPath(new URL('.', import.meta.url));
const cache = join(here, '.cache');

/** Tests that are part of the installed packages: more than 3,000 each. */
const installed = {
  networkx: ['networkx/algorithms'],
  pandas: ['pandas/tests/frame/methods', 'pandas/tests/indexing'],
  numpy: ['numpy/lib/tests', 'numpy/ma', 'numpy/linalg'],
  sympy: ['sympy/core', 'sympy/printing'],
  dask: ['dask/array/tests/test_slicing.py', 'dask/bag/tests', 'dask/tests/test_delayed.py', 'dask/tests/test_utils.py'],
  xarray: ['xarray/tests/test_variable.py', 'xarray/tests/test_indexing.py', 'xarray/tests/test_concat.py', 'xarray/tests/test_utils.py'],
  sklearn: ['sklearn/utils/tests', 'sklearn/preprocessing/tests'],
} as const;

/** Shorter parts of them. */
const parts = {
  'networkx-classes': ['networkx/classes', 'networkx/readwrite', 'networkx/utils'],
  'networkx-generators': ['networkx/generators', 'networkx/linalg'],
  'pandas-methods': ['pandas/tests/frame/methods'],
} as const;

/** pandas requests a JUnit file, for which every report would have to reach pytest's main process. These options keep only the tests. */
const pandasOptions = ['-o', 'addopts=--strict-markers --strict-config --capture=no'];
const optionsOf: Readonly<Record<string, readonly string[]>> = { pandas: pandasOptions, 'pandas-methods': pandasOptions };

/** Source distributions that include their tests, in the versions that requirements.txt installs. */
const sources = ['attrs', 'click', 'jinja2'] as const;

export const realSuites: readonly string[] = [...Object.keys(installed), ...sources];

/**
 * Returns the interpreter of the benches' own environment, or of one bench's. Creates the environment if it is missing or its requirements
 * changed.
 */
export async function benchPython(bench = '.'): Promise<string> {
  const home = join(here, bench, '.venv');
  const python = join(home, 'bin', 'python');
  const requirements = join(here, bench, 'requirements.txt');
  const stamp = join(home, '.shardline-stamp');
  const wanted = await readFile(requirements, 'utf8');
  if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === wanted) return python;
  console.error('setting up the Python environment of the benches');
  await execa('python3', ['-m', 'venv', '--clear', home], { stdio: 'inherit' });
  await execa(python, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements], { stdio: 'inherit' });
  await writeFile(stamp, wanted);
  return python;
}

/** Returns a suite of `realSuites`, or one of `parts`, by name, and downloads it once if needed. Throws for an unknown name. */
export async function realSuite(name: string, python: string): Promise<BenchSuite> {
  const entry = Object.entries({ ...installed, ...parts }).find(([known]) => known === name);
  if (entry !== undefined) {
    const { stdout } = await execa(python, ['-c', "import sysconfig; print(sysconfig.get_path('purelib'))"]);
    return { workspace: stdout.trim(), paths: entry[1], options: optionsOf[name] ?? [] };
  }
  if (!sources.some((known) => known === name)) throw new Error(`unknown suite ${name}; known: ${realSuites.join(', ')}`);
  return { workspace: await unpacked(name, python), paths: ['tests'], options: [] };
}

async function unpacked(name: string, python: string): Promise<string> {
  const [, version = ''] = new RegExp(`^${name}==(.*)$`, 'm').exec(await readFile(join(here, 'requirements.txt'), 'utf8')) ?? [];
  const directory = join(cache, `${name}-${version}`);
  if (existsSync(directory)) return directory;
  await mkdir(cache, { recursive: true });
  const download = ['download', '--quiet', '--no-deps', '--no-binary', ':all:', '--dest', cache, `${name}==${version}`];
  await execa(python, ['-m', 'pip', ...download], { stdio: 'inherit' });
  await execa('tar', ['-xzf', join(cache, `${name}-${version}.tar.gz`), '-C', cache], { stdio: 'inherit' });
  return directory;
}

/** Writes examples/selected to `directory`, at `scale` of its real times. `collectionSeconds` of its real 324 s in sequence are imports. */
export async function selectedSuite(directory: string, collectionSeconds: number, scale = 0.2): Promise<BenchSuite> {
  const suite = generateSuite({ seed: 7, scale, collectionSeconds });
  await writeSuite(suite, directory);
  return { workspace: directory, paths: suite.selected, options: [] };
}

/** One file in `directory` with one empty test. */
export async function trivialSuite(directory: string): Promise<BenchSuite> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'test_one.py'), 'def test_one(): pass\n');
  await writeFile(join(directory, 'pytest.ini'), '[pytest]\n');
  return { workspace: directory, paths: ['test_one.py'], options: [] };
}
