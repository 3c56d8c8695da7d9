// Installs the peers, each in a virtual environment of its own beside the environment that has the suites.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { buildWheel } from '../../scripts/build-wheel.ts';
import { benchPython } from '../suites.ts';
import { type EnvironmentName, environments, type Peer } from './peers.ts';
import type { Installed } from './results.ts';

const home = fileURLToPath(new URL('.venvs', import.meta.url));

export interface Environments {
  /** The interpreter of the environment that has the suites. */
  readonly python: string;
  /** By peer. */
  readonly installed: Readonly<Record<string, Installed>>;
  readonly bin: (peer: Peer) => string;
}

/** Installs what is missing. A peer that cannot be installed is noted, and the others are measured without it. */
export async function prepareEnvironments(peers: readonly Peer[], say: (line: string) => void): Promise<Environments> {
  const base = await benchPython();
  const { stdout } = await execa(base, ['-c', "import sysconfig; print(sysconfig.get_path('purelib'))"]);
  const versions = new Map<EnvironmentName, string | Error>();
  for (const name of new Set(peers.map(({ environment }) => environment))) {
    versions.set(name, await prepare(name, base, stdout.trim(), say).catch((error: unknown) => error as Error));
  }
  return {
    python: base,
    bin: ({ environment }) => join(home, environment, 'bin'),
    installed: Object.fromEntries(
      peers.map(({ name, title, environment }): [string, Installed] => {
        const found = versions.get(environment);
        return [name, found instanceof Error ? { title, unavailable: firstLine(found.message) } : { title, versions: found ?? '' }];
      }),
    ),
  };
}

/** Resolves with the versions of what is measured. Throws if pip fails. */
async function prepare(name: EnvironmentName, base: string, suites: string, say: (line: string) => void): Promise<string> {
  const directory = join(home, name);
  const python = join(directory, 'bin', 'python');
  const stamp = join(directory, '.shardline-stamp');
  const built = await mkdtemp(join(tmpdir(), 'shardline-bench-wheel-'));
  try {
    const packages = environments[name];
    const wheel = packages === null ? await buildWheel(built) : null;
    const digest =
      wheel === null
        ? ''
        : createHash('sha256')
            .update(await readFile(wheel))
            .digest('hex');
    const wanted = JSON.stringify({ directory, suites, packages, digest });
    if (!existsSync(stamp) || (await readFile(stamp, 'utf8')) !== wanted) {
      say(`installing ${packages?.join(' ') || name}`);
      await execa(base, ['-m', 'venv', '--clear', directory]);
      const purelib = await execa(python, ['-c', "import sysconfig; print(sysconfig.get_path('purelib'))"]);
      await writeFile(join(purelib.stdout.trim(), 'suites.pth'), `${suites}\n`);
      const wanting = wheel === null ? packages : [`${wheel}[all]`];
      const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
      if (wanting !== null && wanting.length > 0) await execa(python, [...install, ...wanting]);
      await writeFile(stamp, wanted);
    }
    return await versionsOf(python, name);
  } finally {
    await rm(built, { recursive: true });
  }
}

async function versionsOf(python: string, name: EnvironmentName): Promise<string> {
  const own = { pytest: ['pytest', 'pytest-xdist'], rstest: ['rstest'], bistra: ['bistra', 'pytest'], zygote: ['pytest-zygote', 'pytest'] };
  const names = name === 'shardline' ? ['shardline', 'pytest', 'pytest-xdist'] : own[name];
  const script = 'import sys, importlib.metadata as m; print(", ".join(f"{n} {m.version(n)}" for n in sys.argv[1:]))';
  return (await execa(python, ['-c', script, ...names])).stdout.trim();
}

function firstLine(text: string): string {
  return text.split('\n').find((line) => line.startsWith('ERROR')) ?? text.split('\n')[0] ?? '';
}
