// Generates the pages that repeat the code: options, errors and exit codes, from the tables that the program itself uses.

import { type CommandName, commandNames, commandRow } from '../cli/commands.ts';
import { defaultOf, flagsOf, type OptionRow, optionsOf } from '../cli/options.ts';
import { errorTable } from '../shared/errors.ts';

const exitCodes: readonly [code: number, meaning: string][] = [
  [0, 'Every expected test ran, and none failed.'],
  [
    1,
    'A test failed or a file could not be collected; or the run missed a target (`--targets`) or the coverage limit (`--cov-fail-under`).',
  ],
  [2, 'Interrupted by SIGINT, SIGTERM, SIGHUP or `pytest.exit`. The report has the results until then.'],
  [3, 'Internal error.'],
  [
    4,
    "Usage error: bad options, settings or paths. Mistakes in options and settings are reported together; paths and pytest's options are checked after them. Also if Redis cannot be reached when the command starts, or if the coordinator of the run that `--resume` names is alive.",
  ],
  [5, 'No tests were found. A hook of the suite can turn this into 0, as it can with pytest.'],
  [10, 'The deadline was reached before every test ran; no test that ran failed.'],
  [
    11,
    'Tests could not run although there was time: no agent, a lost Redis, or a shard that crashed too often. Also if the coverage of a test that ran is missing, if signed messages of an agent are missing, or if the parts of a suite (`--shard`) are not whole.',
  ],
];

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const codeCell = (text: string): string => `\`${cell(text)}\``;

/** Each generated page by its path from the repository's root. */
export const pages: ReadonlyMap<string, () => string> = new Map([
  ['docs/configuration.md', configuration],
  ['docs/errors.md', errors],
  ['docs/exit-codes.md', exits],
]);

function configuration(): string {
  return `# Configuration

\`\`\`toml
# pyproject.toml
[tool.shardline]
agents = 2
numprocesses = "auto"
wait-agents = "2m"
shard-together = ["tests/db/**", "tests/api/test_a*.py tests/api/test_b.py"]
\`\`\`

Set an option in \`pyproject.toml\`, in the environment or on the command line. The command line wins over the environment, and the environment wins
over \`pyproject.toml\`.

shardline checks every setting before it runs anything and reports all mistakes together. An unknown key or variable is an error. An empty variable
counts as unset, because CI sets it that way in a job that may not read a secret.

| Value | Examples |
|---|---|
| duration | \`90s\`, \`5m\`, \`1m30s\`, \`500ms\`, \`300\` (seconds) |
| size | \`300MB\`, \`1GiB\`, \`1024\` (bytes) |
| path on the command line or in the environment | relative to the current directory |
| path in \`pyproject.toml\` | relative to that file |
| test path, also in a \`--selected\` file | relative to the workspace, as for pytest |
| arguments after \`--\` | passed to pytest unchanged |

${commandNames.map(commandSection).join('\n\n')}
`;
}

function commandSection(command: CommandName): string {
  const { summary, isConfigurable } = commandRow(command);
  const options = optionsOf(command).filter((option) => !option.isHidden);
  const scope = isConfigurable ? '' : ' It reads no settings from the environment or `pyproject.toml`.';
  const groups = [...Map.groupBy(options, ({ group }) => group)];
  const tables = groups.flatMap(([group, those]) => [
    ...(groups.length < MANY_GROUPS ? [] : ['', `### ${group}`]),
    ...(groups.length < MANY_GROUPS && those !== groups[0]?.[1] ? [] : ['', ...tableHead(isConfigurable)]),
    ...those.map((option) => (isConfigurable ? settingLine(option, command) : `| ${codeCell(flagsOf(option))} | ${meaningOf(option)} |`)),
  ]);
  return [`## \`shardline ${command}\``, '', `${summary}${scope}`, ...tables].join('\n');
}

/** A command with fewer headings than this gets a single table. */
const MANY_GROUPS = 8;

const tableHead = (isConfigurable: boolean): readonly string[] =>
  isConfigurable
    ? ['| Flag | Environment | Key in pyproject.toml | Default | Meaning |', '|---|---|---|---|---|']
    : ['| Flag | Meaning |', '|---|---|'];

function settingLine(option: OptionRow, command: CommandName): string {
  const inProject = option.env === null ? '' : codeCell(option.name);
  const otherwise = option.fallback === null ? cell(defaultOf(option, command) ?? '') : codeCell(option.fallback);
  return `| ${codeCell(flagsOf(option))} | ${option.env === null ? '' : codeCell(option.env)} | ${inProject} | ${otherwise} | ${meaningOf(option)} |`;
}

function meaningOf({ meaning, detail, choices, metavar }: OptionRow): string {
  const values = choices.length > 0 && metavar !== '' ? ` (${choices.map((choice) => `\`${choice}\``).join(', ')})` : '';
  return cell(`${meaning}${values}.${detail === '' ? '' : ` ${detail}`}`);
}

function errors(): string {
  const rows = Object.entries(errorTable).map(
    ([code, { exitCode, what, why, fix }]) =>
      `## ${code}\n\n- What: ${cell(what)}\n${why === '' ? '' : `- Why: ${cell(why)}\n`}- Fix: ${cell(fix)}\n- Exit code: ${exitCode}\n`,
  );
  return `# Errors\n\nEvery failure that shardline expects. The message fills in the words in braces.\n\n${rows.join('\n')}`;
}

function exits(): string {
  return `# Exit codes

| Code | Meaning |
|---|---|
${exitCodes.map(([code, meaning]) => `| ${code} | ${meaning} |`).join('\n')}

Codes 0 to 5 are pytest's; shardline's own start at 10. If several apply, the first in this order wins: 4, 3, 2, 1, 11, 10, 5, 0. The report names all of
them.

A run never exits 0 if the result of an expected test is missing, whatever pytest's own exit code was.

## Compare with pytest's exit codes

| Case | \`pytest\` | \`pytest -n\` | shardline |
|---|---|---|---|
| A file cannot be collected | 2, runs nothing | 1, runs the rest | 1, runs the rest |
| More warnings than \`--max-warnings\` allows, and no failure | 6 | 6 | 1 |
| A hook of the suite raises an exception while a test runs | 3, runs no further test | 3, runs no further test | 1: that test is an error, and the rest runs; 2 if the hook is \`pytest_runtest_logreport\`, and then some tests may not run |
`;
}
