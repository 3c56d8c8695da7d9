// The commands that are compared, as data: how each one is installed and started, and where its outcomes are read from.

import type { BenchSuite } from '../suites.ts';

export interface Peer {
  readonly name: string;
  readonly title: string;
  /** The environment that it is installed in. Peers with the same packages share one. */
  readonly environment: EnvironmentName;
  /** Program in the environment's bin folder, and arguments. `own` are further options of the program itself. */
  readonly command: (suite: BenchSuite, own: readonly string[]) => readonly [program: string, ...args: string[]];
  /** The first text that reports a failure. */
  readonly failure: string;
  /** `recorder`: a plugin of pytest in its main process. Otherwise the command writes the file that this option names. */
  readonly outcomes: 'recorder' | { readonly option: '--report-json' | '--json' };
}

export type EnvironmentName = keyof typeof environments;

/**
 * By name: packages for pip. Each environment sees the suites and pytest in the benches' own environment, but no other peer, because some
 * of them are plugins that pytest would load. `null` is shardline's wheel of this checkout.
 */
export const environments = {
  pytest: [],
  rstest: ['rstest==0.9.0'],
  bistra: ['bistra==0.1.0'],
  zygote: ['pytest-zygote==0.1.1'],
  shardline: null,
} as const satisfies Readonly<Record<string, readonly string[] | null>>;

/** All ratios are to this command. */
export const REFERENCE = 'xdist-load';
/** The only peer whose outcomes are right by definition. It has one worker. */
export const PLAIN = 'pytest';
export const OWN = 'shardline';

/** Every peer but plain pytest has this number of workers. */
export function peersWith(workers: number): readonly Peer[] {
  const n = `${workers}`;
  return [
    pytest(PLAIN, 'pytest, 1 process', []),
    pytest(REFERENCE, `pytest -n ${n}`, ['-n', n]),
    pytest('xdist-loadfile', `pytest -n ${n} --dist loadfile`, ['-n', n, '--dist', 'loadfile']),
    pytest('xdist-worksteal', `pytest -n ${n} --dist worksteal`, ['-n', n, '--dist', 'worksteal']),
    {
      name: 'rstest',
      title: 'rstest',
      environment: 'rstest',
      command: ({ options, paths }, own) => ['rstest', '-n', n, ...own, ...options, ...paths],
      failure: 'F',
      outcomes: { option: '--report-json' },
    },
    {
      name: 'bistra',
      title: 'bistra',
      environment: 'bistra',
      command: ({ options, paths }, own) => ['bistra', '-j', n, '-q', ...own, ...options, ...paths],
      failure: 'F',
      outcomes: 'recorder',
    },
    { ...pytest('zygote', 'pytest-zygote', ['--workers', n]), environment: 'zygote' },
    {
      name: OWN,
      title: 'shardline',
      environment: 'shardline',
      command: ({ options, paths }, own) => ['python', '-m', 'shardline', 'run', '-n', n, ...own, ...paths, '--', ...options],
      failure: 'FAILED',
      outcomes: { option: '--json' },
    },
  ];
}

function pytest(name: string, title: string, parallel: readonly string[]): Peer {
  return {
    name,
    title,
    environment: 'pytest',
    command: ({ options, paths }, own) => ['python', '-m', 'pytest', '-q', ...parallel, ...own, ...options, ...paths],
    failure: 'F',
    outcomes: 'recorder',
  };
}
