// The table of every command: what it is for, and what it takes beside its options, which are options.ts's.

export interface CommandRow {
  /** What `--help` says of it. */
  readonly summary: string;
  /** What it takes without a flag, as the command line library writes it, and what that is; null for nothing. */
  readonly operands: { readonly synopsis: string; readonly meaning: string } | null;
  /** What to do instead of giving it an operand. */
  readonly instead: string;
  /** Does what stands after `--` go to pytest? */
  readonly takesPytestArgs: boolean;
  /** Do the environment and pyproject.toml speak to it as well, or the command line alone? */
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
      meaning: 'Run id, directory, report.json or events.ndjson of a run; name two to compare the second with the first',
    },
    instead: '',
    takesPytestArgs: false,
    isConfigurable: false,
  },
  replay: {
    summary: 'Re-run the tests of one agent or worker in the same order, or bisect an order-dependent failure.',
    operands: { synopsis: '[run]', meaning: 'Run id, directory or events.ndjson of the run' },
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
