// Turns checked values into the settings of each command, and checks the rules between options.

import { parsePart } from '../shared/domain/part.ts';
import { parseRerunLimit, type RerunLimit } from '../shared/domain/reruns.ts';
import { isRepositoryPattern, withoutCredentials } from '../shared/domain/run-source.ts';
import { relays } from '../shared/domain/run-spec.ts';
import { orders } from '../shared/domain/shard.ts';
import { fingerprintPolicies } from '../shared/domain/suite/fingerprint.ts';
import { collectChoices } from '../shared/domain/suite/suite-list.ts';
import { parseTargets } from '../shared/domain/targets.ts';
import { type VerifyMode, verifyModes } from '../shared/domain/trust.ts';
import { ShardlineError } from '../shared/errors.ts';
import { readRedisUrl } from '../shared/settings/redis-url.ts';
import { parseResources } from '../shared/settings/resources.ts';
import {
  type AgentSettings,
  type AuditSettings,
  acceptChoices,
  type CancelSettings,
  type CiSettings,
  type CleanSettings,
  type Copies,
  certifiedRoles,
  ciProviders,
  type DoctorSettings,
  type InitSettings,
  type KeygenSettings,
  type ListenAddress,
  logFormats,
  logLevels,
  type PlanSettings,
  type ReplaySettings,
  type ReportSettings,
  type RunSettings,
  type RunsSettings,
  type ServeSettings,
  type Settings,
  type StatusSettings,
  sources,
  speculations,
  type TlsFiles,
  type Verbosity,
} from '../shared/settings/settings.ts';
import type { PipEnvironment } from '../shared/system/python.ts';
import type { Arguments } from './arguments.ts';
import type { CommandName } from './commands.ts';
import type { Value } from './read-value.ts';

/** One command line after all sources were read. `values` has every given or default value by option name. */
export interface Read {
  readonly given: Arguments;
  readonly values: ReadonlyMap<string, Value>;
  readonly workspace: string;
  /** The environment that pip installed shardline into; null without one. */
  readonly pip: PipEnvironment | null;
  /** Whether this is a job of GitHub Actions. */
  readonly isOnGithub: boolean;
  /** Whether SHARDLINE_REDIS_URL is set to an empty value. */
  readonly isRedisUrlEmpty: boolean;
}

/** The options that reach an agent elsewhere. */
const WITH_DRAIN: ReadonlySet<string> = new Set([
  ...['drain', 'pool', 'sign-key', 'workspace', 'redis', 'redis-ca', 'redis-cert', 'redis-key'],
  ...['log-level', 'log-file', 'log-format'],
]);

/** Missing options and contradictory combinations of values that are valid by themselves. */
export function missingOrAtOdds({ given, values, isRedisUrlEmpty }: Read): readonly ShardlineError[] {
  const mistakes: ShardlineError[] = [];
  const mistake = (problem: string, fix: string): void => void mistakes.push(new ShardlineError('bad-option', { problem, fix }));
  const empty = isRedisUrlEmpty ? ' SHARDLINE_REDIS_URL is empty.' : '';
  if (given.command === 'agent' && !values.has('redis')) {
    mistake(`\`shardline agent\` needs a Redis: it receives its tests through it.${empty}`, NAME_REDIS('agent'));
  }
  if (given.command === 'agent' && values.get('source') === 'git' && values.get('owned') !== true && !values.has('drain'))
    for (const [problem, fix] of sourceMistakes(values)) mistake(problem, fix);
  if ((given.command === 'status' || given.command === 'cancel') && !values.has('redis')) {
    mistake(
      `\`shardline ${given.command}\` needs a Redis: ${given.command === 'status' ? 'it lists the runs there' : 'it finds the run there'}.${empty}`,
      NAME_REDIS(given.command),
    );
  }
  if (given.command === 'keygen' && given.operands.length !== 1)
    mistake('`shardline keygen` takes one file.', 'Name the file of the private key: `shardline keygen shardline.key`.');
  if (given.command === 'keygen') for (const [problem, fix] of keygenMistakes(given, values)) mistake(problem, fix);
  if (given.command === 'cancel' && given.operands.length !== 1) {
    const got = given.operands.length;
    const problem = got === 0 ? 'Name the run to cancel.' : `\`shardline cancel\` takes one run, but got ${got}.`;
    mistake(problem, 'Run `shardline cancel RUN_ID`; `shardline status` lists the open runs.');
  }
  if (given.command === 'serve' && !values.has('redis')) {
    mistake(`\`shardline serve\` needs a Redis: the dashboard reads its runs.${empty}`, NAME_REDIS('serve'));
  }
  if (given.command === 'run' && values.get('agents') === 0 && !values.has('redis')) {
    mistake(
      '--agents 0 starts no agent, and no other agent can reach the embedded Redis of this run.',
      'Start one with --agents 1, or use the Redis of your agents: --agents 0 --redis redis://HOST:6379.',
    );
  }
  if (values.has('redis-cert') !== values.has('redis-key')) {
    mistake('--redis-cert and --redis-key belong together.', 'Give both: the certificate of this client and its private key.');
  }
  const named = ['redis-ca', 'redis-cert'].find((name) => values.has(name));
  if (named !== undefined && isWithoutTls(String(values.get('redis') ?? ''))) {
    mistake(
      `--${named} needs a connection with TLS, but the URL of Redis begins with redis://.`,
      'Write rediss:// with the TLS port of Redis.',
    );
  }
  const checkout = ['allow-repository', 'prepare', 'lock-file', 'keep-workspaces'].find((name) => given.flags.has(name));
  if (given.command === 'agent' && !values.has('drain') && checkout !== undefined && values.get('source') !== 'git')
    mistake(`--${checkout} has no effect without --source git.`, `Add --source git, or remove --${checkout}.`);
  if (given.command === 'agent' && values.has('drain')) {
    const idle = [...given.flags.keys()].find((name) => !WITH_DRAIN.has(name));
    if (idle !== undefined)
      mistake(
        `--${idle} has no effect with --drain, which asks another agent to drain.`,
        `Remove --${idle}, or give it to that agent when you start it.`,
      );
  }
  const isNew = given.command === 'run' && !values.has('resume');
  if (isNew && given.flags.has('numprocesses') && values.has('redis') && !(Number(values.get('agents') ?? 0) > 0)) {
    mistake(
      'This run starts no agent, so -n has no effect: its agents run elsewhere.',
      `Run \`shardline agent -n ${given.flags.get('numprocesses')}\`, or let the run start an agent with --agents 1.`,
    );
  }
  if (isNew && given.flags.has('label') && values.has('redis') && !(Number(values.get('agents') ?? 0) > 0)) {
    mistake(
      'This run starts no agent, so --label has no effect: its agents run elsewhere.',
      `Give the label to an agent with \`shardline agent --label ${given.flags.get('label')}\`, or let the run start one with --agents 1.`,
    );
  }
  if (given.command === 'report') {
    if (given.operands.length === 0 && values.get('merge') === true) {
      mistake('--merge needs the runs to merge.', 'Run `shardline report --merge RUN RUN`; `shardline runs` lists the runs.');
    } else if (values.get('merge') !== true && given.operands.length > (values.has('baseline') ? 1 : 2)) {
      mistake(
        `${given.operands.length} runs were named without --merge.`,
        'Add --merge to merge them into one report, or name two runs to compare.',
      );
    }
  }
  if (given.command === 'replay' && given.operands.length > 1) {
    mistake(
      `\`shardline replay\` takes one run, but got ${given.operands.length}.`,
      'Run `shardline replay RUN_ID`; `shardline runs` lists the runs.',
    );
  }
  const others = ['selected', 'failed', 'shard'].some((name) => values.has(name));
  if (values.has('resume') && (given.operands.length > 0 || given.rest.length > 0 || others)) {
    mistake(
      '--resume takes no paths, --selected, --failed, --shard or pytest arguments: the run keeps its own.',
      `Run \`shardline run --resume ${values.get('resume')}\`.`,
    );
  }
  if (values.has('selected') && values.has('failed')) {
    mistake('--selected and --failed cannot be used together.', 'Remove one of them.');
  }
  if (given.command === 'run' && values.has('plan') && !values.has('shard')) {
    mistake('--plan needs --shard: it is a plan of parts.', 'Add for example --shard 2/4.');
  }
  if (given.command === 'plan' && values.has('out') && !values.has('shards')) {
    mistake('--out needs --shards: it writes the files of each part.', 'Add for example --shards 4.');
  }
  for (const name of ['shards', 'jobs', 'max-runs', 'keep-workspaces', 'slots-per-agent'])
    if (values.get(name) === 0) mistake(`--${name} 0 is invalid: expected a whole number, 1 or more.`, `Write for example --${name} 4.`);
  if (values.has('shard') && values.has('failed')) {
    mistake(
      '--shard and --failed cannot be used together: each part has other failures.',
      'Remove --shard to run all that failed in one job.',
    );
  }
  if (values.get('quiet') === true && values.get('verbose') === true) {
    mistake('--quiet and --verbose cannot be used together.', 'Remove one of them.');
  }
  return mistakes;
}

function* keygenMistakes(given: Arguments, values: Read['values']): Generator<readonly [problem: string, fix: string]> {
  const alone = ['role', 'pools', 'runs', 'valid', 'max-agents'].find((name) => given.flags.has(name));
  if (alone !== undefined && !values.has('certify'))
    yield [`--${alone} needs --certify: it describes a certificate.`, 'Add --certify POOL_KEY.'];
  if (values.get('valid') === 0) yield ['--valid 0 is invalid: the certificate would never be valid.', 'Write for example --valid 2h.'];
  if (values.has('pool-key') && values.has('certify')) {
    yield ['--pool-key and --certify cannot be used together.', 'Make the pool key first, then certify other keys with it.'];
  }
  for (const name of ['pools', 'runs']) {
    const pattern = String(values.get(name) ?? '');
    if (!/^[^\s*]{0,200}\*?$/.test(pattern) || pattern === '')
      yield [`--${name} ${pattern} is invalid.`, 'Write a name, or the beginning of names and *, for example ci-*.'];
  }
  if (values.get('max-agents') === 0)
    yield ['--max-agents 0 is invalid: expected a whole number, 1 or more.', 'Write for example --max-agents 4.'];
}

/** What is wrong, and how to fix it, for each mistake. */
function* sourceMistakes(values: Read['values']): Generator<readonly [string, string]> {
  if (values.has('run-as'))
    yield [
      '--source git and --run-as exclude each other: git and --prepare would still run as the user of the agent.',
      'Start the whole agent as that user, without --run-as.',
    ];
  const allowed = reader(values).list('allow-repository');
  const fix =
    'Name the repositories of your runs: `--allow-repository https://git.example/team/app.git`, or all below an address with `/*`.';
  if (allowed.length === 0) yield ['--source git needs --allow-repository: the agent fetches only from repositories that you allow.', fix];
  for (const pattern of allowed)
    if (!isRepositoryPattern(pattern)) yield [`--allow-repository ${withoutCredentials(pattern)} is no repository.`, fix];
}

const NAME_REDIS = (command: CommandName): string => `Run \`shardline ${command} --redis redis://HOST:6379\`, or set SHARDLINE_REDIS_URL.`;

export const toSettings = (read: Read): Settings => makers[read.given.command](read);

/** Only a placeholder for the type: an invalid limit was rejected before. */
const NOTHING: RerunLimit = { kind: 'tests', tests: 0 };

const makers: Readonly<Record<CommandName, (read: Read) => Settings>> = {
  run: runSettings,
  ci: ciSettings,
  agent: agentSettings,
  report: reportSettings,
  plan: planSettings,
  init: initSettings,
  doctor: doctorSettings,
  status: statusSettings,
  cancel: cancelSettings,
  keygen: keygenSettings,
  runs: runsSettings,
  clean: cleanSettings,
  replay: replaySettings,
  serve: serveSettings,
  audit: auditSettings,
};

function runSettings({ given, values, workspace, pip, isOnGithub }: Read): RunSettings {
  const { text, number, flag, oneOf, list } = reader(values);
  return {
    command: 'run',
    ...common(values, workspace),
    resume: text('resume'),
    trustsLog: flag('trust-arguments') || acceptedFrom(text('redis')) === 'any',
    paths: given.operands,
    selected: text('selected'),
    failed: flag('failed'),
    shard: parsePart(text('shard') ?? ''),
    plan: text('plan'),
    pytestArgs: given.rest,
    agents: number('agents'),
    suite: null,
    agentsExpected: number('agents-expected'),
    repository: text('repository'),
    redis: text('redis'),
    redisTls: tlsFiles(values),
    redisBin: text('redis-bin'),
    pipPython: pip?.python ?? null,
    out: text('out'),
    timings: text('timings'),
    copies: copies(values),
    github: values.has('github') ? flag('github') : isOnGithub,
    targets: parseTargets(text('targets') ?? ''),
    baseline: text('baseline'),
    maxfail: flag('exitfirst') ? 1 : number('maxfail'),
    crashLimit: number('crash-limit') ?? 0,
    priority: number('priority') ?? 0,
    reruns: { times: number('reruns') ?? 0, limit: parseRerunLimit(text('reruns-limit') ?? '') ?? NOTHING },
    flakyFails: flag('flaky-fails'),
    testTimeoutSeconds: number('test-timeout') || null,
    verbosity: verbosity(values),
    isJson: flag('json-lines'),
    collect: oneOf('collect', collectChoices),
    deadlineSeconds: number('deadline'),
    reserveSeconds: number('reserve'),
    speculate: oneOf('speculate', speculations),
    order: orders.find((each) => each === values.get('order')) ?? null,
    changedSince: text('changed-since'),
    serialMarker: text('serial-marker') ?? '',
    relay: oneOf('relay', relays),
    fingerprint: oneOf('fingerprint', fingerprintPolicies),
    maxWorkerBytes: number('max-worker-memory') ?? 0,
    maxWorkerFiles: number('max-worker-files') ?? 0,
    splitOverSeconds: number('split-over'),
    waitAgentsSeconds: number('wait-agents') ?? 0,
    harmless: (text('harmless-hooks') ?? '').split(/\s+/).filter((word) => word !== ''),
    shardTogether: readSets(text('shard-together') ?? ''),
    resources: parseResources(text('resources') ?? '') ?? [],
    labels: [...new Set(list('label'))].sort(),
    redisWaitSeconds: number('redis-wait') ?? 0,
    signKey: text('sign-key'),
    trust: text('trust'),
    verify: verifyMode(values),
    trustsNetwork: trustsNetwork(values),
  };
}

function ciSettings(read: Read): CiSettings {
  const { text, flag } = reader(read.values);
  return {
    command: 'ci',
    // Jobs that share a Redis have a pool of their own, which follows from the jobs.
    run: { ...runSettings(read), pool: 'default', agents: read.values.has('redis') ? 0 : 1 },
    runName: text('run-id'),
    isFresh: flag('fresh'),
    exitsOwn: flag('exit-own'),
  };
}

function agentSettings({ values, workspace }: Read): AgentSettings {
  const { text, flag, number, oneOf, list } = reader(values);
  return {
    command: 'agent',
    ...common(values, workspace),
    redis: text('redis') ?? '',
    redisTls: tlsFiles(values),
    name: text('name'),
    maxIdleSeconds: number('max-idle'),
    drainTimeoutSeconds: number('drain-timeout') ?? 0,
    drain: text('drain'),
    metrics: addressIn(text('metrics')),
    maxRuns: Math.max(1, number('max-runs') ?? 4),
    once: flag('once'),
    isOwned: flag('owned'),
    run: text('run'),
    labels: [...new Set(list('label'))].sort(),
    runAs: text('run-as'),
    source: oneOf('source', sources),
    allowedRepositories: list('allow-repository'),
    prepare: text('prepare'),
    lockFiles: list('lock-file'),
    keepWorkspaces: Math.max(1, number('keep-workspaces') ?? 1),
    maxWorkspaceBytes: number('max-workspace-size'),
    acceptArgs: acceptChoices.find((each) => each === values.get('accept-args')) ?? acceptedFrom(text('redis')),
    ownArgs: ownArgsIn(text('own-args')),
    trust: text('trust'),
    signKey: text('sign-key'),
    trustedKey: text('trusted-key'),
    verify: verifyMode(values),
    trustsNetwork: trustsNetwork(values),
  };
}

/** A user who names trusted keys wants no others. */
const verifyMode = (values: ReadonlyMap<string, Value>): VerifyMode =>
  verifyModes.find((each) => each === values.get('verify')) ?? (values.has('trust') || values.has('trusted-key') ? 'require' : 'off');

/** Whether it takes everything from a Redis on the network, and nobody has asked for that. */
function trustsNetwork(values: ReadonlyMap<string, Value>): boolean {
  const url = reader(values).text('redis');
  return url !== null && isNetwork(url) && !values.has('verify') && verifyMode(values) === 'off';
}

/**
 * Which arguments of a run to accept from this Redis by default: those of a run that an agent joins, and those in a log that is resumed.
 * The embedded Redis has neither.
 */
const acceptedFrom = (redis: string | null): (typeof acceptChoices)[number] => (redis !== null && isNetwork(redis) ? 'safe' : 'any');

/** Whether users of other machines may write to this Redis. */
function isNetwork(url: string): boolean {
  const address = readRedisUrl(url);
  return address.kind !== 'socket' && !(address.kind === 'tcp' && /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(address.host));
}

/** A socket never leaves the machine, so it needs no TLS. */
function isWithoutTls(url: string): boolean {
  const address = readRedisUrl(url);
  return address.kind !== 'bad' && address.kind !== 'socket' && !address.isTls;
}

/** The command that starts the agent writes them as a JSON list. */
function ownArgsIn(text: string | null): readonly string[] {
  const given: unknown = text === null ? [] : JSON.parse(text);
  return Array.isArray(given) ? given.map(String) : [];
}

function reportSettings({ given, values, workspace }: Read): ReportSettings {
  const { text, flag } = reader(values);
  return {
    command: 'report',
    sources: given.operands,
    merge: flag('merge'),
    timings: text('timings'),
    workspace,
    python: text('python') ?? '',
    copies: copies(values),
    github: flag('github'),
    targets: parseTargets(text('targets') ?? ''),
    baseline: text('baseline'),
    verbosity: verbosity(values),
    isJson: flag('json-lines'),
  };
}

function planSettings({ given, values, workspace }: Read): PlanSettings {
  const { text, number, oneOf } = reader(values);
  return {
    command: 'plan',
    workspace,
    paths: given.operands,
    pytestArgs: given.rest,
    python: text('python') ?? '',
    numprocesses: text('numprocesses') ?? '',
    workerBytes: number('worker-memory') ?? 0,
    serialMarker: text('serial-marker') ?? '',
    collect: oneOf('collect', collectChoices),
    shardTogether: readSets(text('shard-together') ?? ''),
    timings: text('timings'),
    shards: number('shards'),
    out: text('out'),
  };
}

function initSettings({ values, workspace }: Read): InitSettings {
  const { number, flag } = reader(values);
  return {
    command: 'init',
    workspace,
    provider: ciProviders.find((each) => each === values.get('provider')) ?? null,
    jobs: Math.max(1, number('jobs') ?? 1),
    isQueue: flag('redis'),
    isWritten: flag('write'),
  };
}

function doctorSettings({ given, values, workspace, pip }: Read): DoctorSettings {
  const { text, number } = reader(values);
  return {
    command: 'doctor',
    workspace,
    paths: given.operands,
    pytestArgs: given.rest,
    python: text('python') ?? '',
    numprocesses: text('numprocesses') ?? '',
    workerBytes: number('worker-memory') ?? 0,
    serialMarker: text('serial-marker') ?? '',
    redis: text('redis'),
    redisTls: tlsFiles(values),
    redisBin: text('redis-bin'),
    pipPython: pip?.python ?? null,
    pool: text('pool') ?? '',
    timings: text('timings'),
  };
}

function statusSettings({ values }: Read): StatusSettings {
  const { text, flag } = reader(values);
  const [redis, pool] = [text('redis') ?? '', text('pool') ?? ''];
  return { command: 'status', redis, redisTls: tlsFiles(values), pool, isJson: flag('json') };
}

function keygenSettings({ given, values }: Read): KeygenSettings {
  const { text, flag, number } = reader(values);
  const poolKey = text('certify');
  const certificate =
    poolKey === null
      ? null
      : {
          poolKey,
          role: certifiedRoles.find((each) => each === values.get('role')) ?? 'agent',
          pools: text('pools') ?? '',
          runs: text('runs') ?? '',
          validSeconds: number('valid') ?? 0,
          mostAgents: number('max-agents'),
        };
  return { command: 'keygen', path: given.operands[0] ?? '', isPoolKey: flag('pool-key'), certificate };
}

function cancelSettings({ given, values }: Read): CancelSettings {
  return { command: 'cancel', redis: reader(values).text('redis') ?? '', redisTls: tlsFiles(values), run: given.operands[0] ?? '' };
}

function runsSettings({ values, workspace }: Read): RunsSettings {
  return { command: 'runs', workspace, last: reader(values).number('last') ?? 0 };
}

function cleanSettings({ values, workspace }: Read): CleanSettings {
  return { command: 'clean', workspace, keep: reader(values).number('keep') ?? 0 };
}

function replaySettings({ given, values, workspace }: Read): ReplaySettings {
  const { text, flag } = reader(values);
  return {
    command: 'replay',
    source: given.operands[0] ?? null,
    agent: text('agent'),
    worker: text('worker'),
    bisect: text('bisect'),
    selected: text('selected'),
    trustsArguments: flag('trust-arguments'),
    python: text('python') ?? '',
    workspace,
  };
}

function auditSettings({ given, values, workspace }: Read): AuditSettings {
  const { text, number, flag } = reader(values);
  return {
    command: 'audit',
    paths: given.operands,
    selected: text('selected'),
    pytestArgs: given.rest,
    agents: Math.max(1, number('agents') ?? 1),
    numprocesses: text('numprocesses') ?? '',
    workerBytes: number('worker-memory') ?? 0,
    redisBin: text('redis-bin'),
    python: text('python') ?? '',
    workspace,
    out: text('out'),
    baseline: text('baseline'),
    serialMarker: text('serial-marker') ?? '',
    stepLimitSeconds: number('step-limit') ?? 0,
    isQuiet: flag('quiet'),
  };
}

function serveSettings({ values }: Read): ServeSettings {
  const { text, number } = reader(values);
  return {
    command: 'serve',
    redis: text('redis') ?? '',
    redisTls: tlsFiles(values),
    pool: text('pool') ?? '',
    host: text('host') ?? '',
    port: number('port') ?? 0,
    token: text('token'),
    metrics: addressIn(text('metrics')),
    scaling: {
      targetSeconds: number('scale-target') ?? 0,
      maxAgents: number('max-agents') ?? 0,
      slotsPerAgent: Math.max(1, number('slots-per-agent') ?? 1),
    },
  };
}

function tlsFiles(values: Read['values']): TlsFiles {
  const { text } = reader(values);
  return { ca: text('redis-ca'), cert: text('redis-cert'), key: text('redis-key') };
}

/** `HOST:PORT`, checked before. */
function addressIn(text: string | null): ListenAddress | null {
  if (text === null) return null;
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at), port: Number(text.slice(at + 1)) };
}

function copies(values: Read['values']): Copies {
  const { text } = reader(values);
  return { json: text('json'), junitXml: text('junit-xml'), html: text('html'), trace: text('trace') };
}

function common(values: Read['values'], workspace: string) {
  const { text, number, oneOf } = reader(values);
  // Without a request nothing is logged, because the lines would stand between those of the progress.
  const logLevel = values.has('log-level')
    ? oneOf('log-level', logLevels)
    : values.has('log-file') || values.has('log-format')
      ? 'info'
      : 'silent';
  return {
    pool: text('pool') ?? '',
    numprocesses: text('numprocesses') ?? '',
    python: text('python') ?? '',
    workspace,
    workerBytes: number('worker-memory') ?? 0,
    logLevel,
    logFile: text('log-file'),
    logFormat: oneOf('log-format', logFormats),
  };
}

/** Spaces separate patterns; semicolons separate sets. */
const readSets = (text: string): readonly (readonly string[])[] =>
  text
    .split(';')
    .map((set) => set.split(/\s+/).filter((pattern) => pattern !== ''))
    .filter((set) => set.length > 0);

function verbosity(values: Read['values']): Verbosity {
  const { flag } = reader(values);
  return flag('quiet') ? 'quiet' : flag('verbose') ? 'verbose' : 'normal';
}

function reader(values: Read['values']) {
  return {
    text: (name: string): string | null => (values.has(name) ? String(values.get(name)) : null),
    number: (name: string): number | null => (values.has(name) ? Number(values.get(name)) : null),
    list: (name: string): readonly string[] =>
      values.has(name)
        ? String(values.get(name))
            .split(/\s+/)
            .filter((each) => each !== '')
        : [],
    flag: (name: string): boolean => values.get(name) === true,
    oneOf: <Choice extends string>(name: string, choices: readonly [Choice, ...Choice[]]): Choice =>
      choices.find((choice) => choice === values.get(name)) ?? choices[0],
  };
}
