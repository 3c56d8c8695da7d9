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
    summary: 'run a suite over agents and merge one verdict; arguments after -- go to pytest',
    operands: { synopsis: '[paths...]', meaning: 'files, directories or node ids, as for pytest' },
    instead: '',
    takesPytestArgs: true,
    isConfigurable: true,
  },
  agent: {
    summary: "join this machine's cores to a pool",
    operands: null,
    instead: 'Name tests where the run is started: shardline run PATHS.',
    takesPytestArgs: false,
    isConfigurable: true,
  },
  audit: {
    summary: 'measure a suite one by one, with pytest -n and sharded, and write what is slow, what to change and what it would win',
    operands: { synopsis: '[paths...]', meaning: 'files, directories or node ids, as for pytest' },
    instead: '',
    takesPytestArgs: true,
    isConfigurable: true,
  },
  report: {
    summary: 'show a finished run again, compare two, merge several, or write reports in other forms',
    operands: {
      synopsis: '[runs...]',
      meaning: 'what a run left: its folder, id, report.json or events.ndjson; two to compare the second with the first',
    },
    instead: '',
    takesPytestArgs: false,
    isConfigurable: false,
  },
  replay: {
    summary: 'run again, in its order, what one agent or xdist worker of a finished run ran',
    operands: { synopsis: '[run]', meaning: 'what the run left: its folder, id or events.ndjson' },
    instead: '',
    takesPytestArgs: false,
    isConfigurable: true,
  },
  serve: {
    summary: 'show the runs of a pool in a browser while they run',
    operands: null,
    instead: 'It shows every run of its pool: shardline serve --pool NAME.',
    takesPytestArgs: false,
    isConfigurable: true,
  },
} as const satisfies Readonly<Record<string, CommandRow>>;

export type CommandName = keyof typeof commandTable;
export const commandNames = Object.keys(commandTable) as CommandName[];
export const commandRow = (name: CommandName): CommandRow => commandTable[name];
