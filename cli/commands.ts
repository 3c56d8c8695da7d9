// The table of every command: its purpose and its operands. options.ts owns the options.

export interface CommandRow {
  /** The text of `--help`. */
  readonly summary: string;
  /** The operands in the notation of the command line library, and their meaning; null when the command takes none. */
  readonly operands: { readonly synopsis: string; readonly meaning: string } | null;
  /** The advice for a user who gives operands to a command that takes none. */
  readonly instead: string;
  /** Whether arguments after `--` go to pytest. */
  readonly takesPytestArgs: boolean;
  /** Whether the environment and pyproject.toml configure the command too, or only the command line. */
  readonly isConfigurable: boolean;
}

export const commandTable = {
  run: {
    summary: 'Run a test suite on local or remote agents and report one verdict.',
    operands: {
      synopsis: '[paths...]',
      meaning: 'Files, directories or node ids, as for pytest [default: testpaths of the pytest configuration, else .]',
    },
    instead: '',
    takesPytestArgs: true,
    isConfigurable: true,
  },
  ci: {
    summary: 'Run a test suite on all parallel jobs of a CI pipeline, with the same line in each.',
    operands: {
      synopsis: '[paths...]',
      meaning: 'Files, directories or node ids, as for pytest [default: testpaths of the pytest configuration, else .]',
    },
    instead: '',
    takesPytestArgs: true,
    isConfigurable: true,
  },
  agent: {
    summary: 'Run tests on this machine for the runs of a pool.',
    operands: null,
    instead: 'Name tests where you start the run: `shardline run PATHS`.',
    takesPytestArgs: false,
    isConfigurable: true,
  },
  audit: {
    summary: 'Profile a suite serially, with pytest -n, and sharded; report what is slow and what to fix first.',
    operands: {
      synopsis: '[paths...]',
      meaning: 'Files, directories or node ids, as for pytest [default: testpaths of the pytest configuration, else .]',
    },
    instead: '',
    takesPytestArgs: true,
    isConfigurable: true,
  },
  report: {
    summary: 'Show, compare, merge or convert the reports of finished runs.',
    operands: {
      synopsis: '[runs...]',
      meaning:
        'Run id, directory, report.json or events.ndjson of a run [default: the newest]; name two to compare the second with the first',
    },
    instead: '',
    takesPytestArgs: false,
    isConfigurable: false,
  },
  plan: {
    summary: 'Predict how long a suite takes on more agents, and divide it into parts. Runs no test.',
    operands: {
      synopsis: '[paths...]',
      meaning: 'Files, directories or node ids, as for pytest [default: testpaths of the pytest configuration, else .]',
    },
    instead: '',
    takesPytestArgs: true,
    isConfigurable: true,
  },
  init: {
    summary: "Print a CI workflow based on this repository's pytest command, Python versions and requirements.",
    operands: null,
    instead: 'It reads the repository by itself; name another one with --workspace DIR.',
    takesPytestArgs: false,
    isConfigurable: false,
  },
  doctor: {
    summary: 'Check that a run can start, and print how to fix what is missing. Runs no test.',
    operands: {
      synopsis: '[paths...]',
      meaning: 'Files, directories or node ids, as for pytest [default: testpaths of the pytest configuration, else .]',
    },
    instead: '',
    takesPytestArgs: true,
    isConfigurable: true,
  },
  status: {
    summary: 'List the open runs and the agents of a pool.',
    operands: null,
    instead: 'Choose a pool instead: `shardline status --pool NAME`.',
    takesPytestArgs: false,
    isConfigurable: true,
  },
  cancel: {
    summary: 'End an open run. Its coordinator reports the results so far.',
    operands: { synopsis: '<run>', meaning: 'Run id; `shardline status` lists the open runs' },
    instead: '',
    takesPytestArgs: false,
    isConfigurable: true,
  },
  keygen: {
    summary: 'Make a pair of keys to sign runs and reports with, or certify a key.',
    operands: { synopsis: '<file>', meaning: 'File of the private key; the public key goes to FILE.pub' },
    instead: '',
    takesPytestArgs: false,
    isConfigurable: false,
  },
  runs: {
    summary: 'List the finished runs of this directory, the newest first.',
    operands: null,
    instead: 'Show one run with `shardline report RUN_ID`.',
    takesPytestArgs: false,
    isConfigurable: false,
  },
  clean: {
    summary: 'Remove old runs of this directory.',
    operands: null,
    instead: 'Choose how many to keep: `shardline clean --keep 10`.',
    takesPytestArgs: false,
    isConfigurable: false,
  },
  replay: {
    summary: 'Re-run the tests of one agent or worker in the same order, or bisect an order-dependent failure.',
    operands: { synopsis: '[run]', meaning: 'Run id, directory or events.ndjson of the run [default: the newest]' },
    instead: '',
    takesPytestArgs: false,
    isConfigurable: true,
  },
  serve: {
    summary: 'Serve a live dashboard of the runs in a pool.',
    operands: null,
    instead: 'Choose a pool instead: `shardline serve --pool NAME`.',
    takesPytestArgs: false,
    isConfigurable: true,
  },
} as const satisfies Readonly<Record<string, CommandRow>>;

export type CommandName = keyof typeof commandTable;
export const commandNames = Object.keys(commandTable) as CommandName[];
export const commandRow = (name: CommandName): CommandRow => commandTable[name];
