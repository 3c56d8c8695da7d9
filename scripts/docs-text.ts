// The pages that say what the code says: options, errors and exit codes, made from the tables that the program itself uses.

import { type CommandName, commandNames, commandRow } from '../cli/commands.ts';
import { flagsOf, type OptionRow, optionsOf } from '../cli/options.ts';
import { errorTable } from '../shared/errors.ts';

const exitCodes: readonly [code: number, meaning: string][] = [
  [0, 'every expected test was run and none failed'],
  [1, 'some tests failed, or could not be collected, or a target (`--targets`) or the limit of coverage (`--cov-fail-under`) was missed'],
  [2, 'interrupted (SIGINT, SIGTERM, SIGHUP, or `pytest.exit` in the suite); what had finished is in the report'],
  [3, 'internal error'],
  [4, "usage error: bad options and settings are reported together; paths and pytest's own options are checked after them"],
  [5, 'no tests were found'],
  [10, 'the deadline came with tests not run, and none of those that ran failed'],
  [
    11,
    'tests could not be run although time was left: no agent, Redis gone for good, or a shard that crashed too often; or coverage of a test that ran did not arrive',
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

Every setting may be given in three places; the later one wins: the table \`[tool.shardline]\` of \`pyproject.toml\` in the workspace, the environment,
the command line. Each is checked before anything runs, and all mistakes are told at once. An unknown key or variable is an error.
An environment variable that is empty counts as unset: a job without access to a secret gets it so.

\`\`\`toml
[tool.shardline]
agents = 2
numprocesses = "auto"
wait-agents = "2m"
shard-together = ["tests/db/**", "tests/api/test_a*.py tests/api/test_b.py"]
\`\`\`

Durations are written \`90s\`, \`5m\`, \`1m30s\`, \`500ms\` or \`300\` (seconds); sizes \`300MB\`, \`1GiB\` or \`1024\` (bytes). Relative paths on the command line
and in the environment are relative to the current directory, in \`pyproject.toml\` to its folder. Test paths, also those in a \`--selected\` file, are
relative to the workspace, as they are for pytest started there. Arguments after \`--\` go to pytest as they are.

${commandNames.map(commandSection).join('\n\n')}
`;
}

function commandSection(command: CommandName): string {
  const { summary, isConfigurable } = commandRow(command);
  const options = optionsOf(command).filter((option) => !option.isHidden);
  const table = isConfigurable
    ? ['| Flag | Environment | Key in pyproject.toml | Default | Meaning |', '|---|---|---|---|---|', ...options.map(optionLine)]
    : ['| Flag | Meaning |', '|---|---|', ...options.map((option) => `| ${codeCell(flagsOf(option))} | ${cell(option.meaning)} |`)];
  const scope = isConfigurable ? '' : ' Only the command line speaks to it.';
  return [`## \`shardline ${command}\``, '', `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.${scope}`, '', ...table].join('\n');
}

function optionLine(option: OptionRow): string {
  const inProject = option.env === null ? '' : codeCell(option.name);
  const otherwise = option.fallback === null ? cell(option.decided ?? '') : codeCell(option.fallback);
  return `| ${codeCell(flagsOf(option))} | ${option.env === null ? '' : codeCell(option.env)} | ${inProject} | ${otherwise} | ${cell(option.meaning)} |`;
}

function errors(): string {
  const rows = Object.entries(errorTable).map(
    ([code, { exitCode, what, why, fix }]) =>
      `## ${code}\n\n- What: ${cell(what)}\n- Why: ${cell(why)}\n- Fix: ${cell(fix)}\n- Exit code: ${exitCode}\n`,
  );
  return `# Errors\n\nEvery failure that shardline expects. What stands in braces is filled in when it happens.\n\n${rows.join('\n')}`;
}

function exits(): string {
  return `# Exit codes

| Code | Meaning |
|---|---|
${exitCodes.map(([code, meaning]) => `| ${code} | ${meaning} |`).join('\n')}

0 to 5 are pytest's own; shardline's begin at 10. Where several apply, the first in this order is used: 4, 3, 2, 1, 11, 10, 5, 0; the report says all of
them. A run never exits 0 with an expected test unaccounted for, whatever pytest's own exit code was.

## Where pytest exits with another code

| Case | \`pytest\` | \`pytest -n\` | shardline |
|---|---|---|---|
| a file cannot be collected | 2, runs nothing | 1, runs the rest | 1, runs the rest |
| more warnings than \`--max-warnings\` allows, and no failure | 6 | 6 | 1 |
| a hook of the suite raises an exception while a test runs | 3, runs no further test | 3, runs no further test | 1: an error of that test, and the rest runs; 2 where the hook is \`pytest_runtest_logreport\`, which may leave tests not run |
`;
}
