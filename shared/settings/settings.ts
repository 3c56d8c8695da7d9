// The settings of each command, after flags, environment and pyproject.toml were parsed and checked. Durations are in seconds, sizes in
// bytes, paths absolute.

import type { PartRequest } from '../domain/part.ts';
import type { Reruns } from '../domain/reruns.ts';
import type { Relay } from '../domain/run-spec.ts';
import type { Order } from '../domain/shard.ts';
import type { FingerprintPolicy } from '../domain/suite/fingerprint.ts';
import type { CollectChoice } from '../domain/suite/suite-list.ts';
import type { Target } from '../domain/targets.ts';
import type { VerifyMode } from '../domain/trust.ts';
import type { ResourceRule } from './resources.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export const logFormats = ['json', 'text'] as const;
export type LogFormat = (typeof logFormats)[number];

export const verbosities = ['quiet', 'normal', 'verbose'] as const;
export type Verbosity = (typeof verbosities)[number];

/** Whether an idle agent re-runs a straggler. */
export const speculations = ['off', 'auto'] as const;

/** The CI providers that `shardline init` writes for. */
export const ciProviders = ['github', 'gitlab', 'circleci', 'buildkite', 'azure'] as const;
export type CiProvider = (typeof ciProviders)[number];

/** Where a server listens. Port 0 takes any free port. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

interface CommonSettings {
  readonly pool: string;
  /** The xdist workers of one agent: `auto` or a number. */
  readonly numprocesses: string;
  /** The interpreter that runs pytest. */
  readonly python: string;
  readonly workspace: string;
  readonly workerBytes: number;
  readonly logLevel: LogLevel;
  readonly logFile: string | null;
  readonly logFormat: LogFormat;
}

/** Additional paths for the report, by format; null writes none. */
export interface Copies {
  readonly json: string | null;
  readonly junitXml: string | null;
  readonly html: string | null;
  readonly trace: string | null;
}

/** The files for a Redis with TLS; null where the option is not given. The certificate and its key are given together. */
export interface TlsFiles {
  /** The CAs that count in place of this machine's. */
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

export const NO_TLS_FILES: TlsFiles = { ca: null, cert: null, key: null };

export interface RunSettings extends CommonSettings {
  readonly command: 'run';
  /** The run to resume; null starts a new one. */
  readonly resume: string | null;
  /** Whether a log in Redis may name any argument and any file. */
  readonly trustsLog: boolean;
  /** Paths as given, relative to the workspace. */
  readonly paths: readonly string[];
  /** A file's path, or `-` for standard input. */
  readonly selected: string | null;
  /** Whether to run only the tests that failed in the last run, or in `baseline`. */
  readonly failed: boolean;
  /** The part of the suite to run; null for all of it. */
  readonly shard: Pick<PartRequest, 'index' | 'total'> | null;
  /** The path of a plan of all parts; null to plan from durations. */
  readonly plan: string | null;
  readonly pytestArgs: readonly string[];
  /** null means 1 with the embedded Redis and 0 with another one. */
  readonly agents: number | null;
  /** The name under which Redis keeps the durations of the suite; null for that of the pool. */
  readonly suite: string | null;
  /** For how many agents to plan, if more than have joined; null for those only. */
  readonly agentsExpected: number | null;
  /** The address from which agents can fetch the workspace; null for that of its remote `origin`. */
  readonly repository: string | null;
  /** null uses the embedded Redis. */
  readonly redis: string | null;
  readonly redisTls: TlsFiles;
  readonly redisBin: string | null;
  /** The interpreter of the environment that pip installed shardline into, which may have a Redis server; null without one. */
  readonly pipPython: string | null;
  readonly out: string | null;
  readonly timings: string | null;
  readonly copies: Copies;
  /** Whether to write annotations and a job summary for GitHub Actions. */
  readonly github: boolean;
  readonly targets: readonly Target[] | null;
  /** An earlier run: its directory or report, or a JUnit file. */
  readonly baseline: string | null;
  /** null leaves it to pytest's own configuration. */
  readonly maxfail: number | null;
  /** 0 sets no limit. */
  readonly crashLimit: number;
  /** See `PRIORITY`. */
  readonly priority: number;
  readonly reruns: Reruns;
  readonly flakyFails: boolean;
  /** Limit for one test; null derives a limit from the estimate of its whole shard. */
  readonly testTimeoutSeconds: number | null;
  readonly verbosity: Verbosity;
  /** Whether to print the result as JSON lines. */
  readonly isJson: boolean;
  readonly collect: CollectChoice;
  readonly deadlineSeconds: number | null;
  /** null takes a part of the deadline. */
  readonly reserveSeconds: number | null;
  readonly speculate: (typeof speculations)[number];
  /** null means `longest`, or `value` if the deadline cannot be met. */
  readonly order: Order | null;
  /** A commit. Test files that differ from it count as more likely to fail. */
  readonly changedSince: string | null;
  readonly serialMarker: string;
  readonly relay: Relay;
  readonly fingerprint: FingerprintPolicy;
  /** 0 sets no limit. */
  readonly maxWorkerBytes: number;
  readonly maxWorkerFiles: number;
  /** Files longer than this are split by test; null splits those that would delay the end of the run. */
  readonly splitOverSeconds: number | null;
  readonly waitAgentsSeconds: number;
  /** The hooks, conftest files and plugins that `--harmless-hooks` declares. */
  readonly harmless: readonly string[];
  /** Sets of glob patterns, relative to pytest's rootdir. Files that match one set go into one shard. */
  readonly shardTogether: readonly (readonly string[])[];
  readonly resources: readonly ResourceRule[];
  /** Labels of the agents that this command starts; sorted. */
  readonly labels: readonly string[];
  readonly redisWaitSeconds: number;
  /** The file of the private key that signs the run; null to sign nothing. */
  readonly signKey: string | null;
  /** The file of the public keys of agents whose reports count; null for every agent. */
  readonly trust: string | null;
  /** What to do with reports that none of these keys has signed. */
  readonly verify: VerifyMode;
  /** Whether everyone who can write to a Redis on the network is believed, and the user has not asked for that. */
  readonly trustsNetwork: boolean;
}

export interface CiSettings {
  readonly command: 'ci';
  /** How this job runs its part or, as the coordinator of all jobs, the suite. Its pool follows from the jobs. */
  readonly run: RunSettings;
  /** What the user adds to the provider's ids to name the run; null for nothing. */
  readonly runName: string | null;
  /** Whether a retry runs the whole suite again. */
  readonly isFresh: boolean;
  /** Whether this job fails only for tests that it ran. */
  readonly exitsOwn: boolean;
}

export interface AgentSettings extends CommonSettings {
  readonly command: 'agent';
  readonly redis: string;
  readonly redisTls: TlsFiles;
  readonly name: string | null;
  /** Longest wait for a run; null waits without limit. */
  readonly maxIdleSeconds: number | null;
  /** How long a draining agent may still run tests. */
  readonly drainTimeoutSeconds: number;
  /** The agent to ask to drain, instead of starting one; null to start one. */
  readonly drain: string | null;
  /** Where to serve metrics; null for nowhere. */
  readonly metrics: ListenAddress | null;
  /** How many runs to serve at once. */
  readonly maxRuns: number;
  /** Whether to leave after one run. */
  readonly once: boolean;
  /** Whether another shardline command started this agent: it leaves when standard input ends, and its name is unique. */
  readonly isOwned: boolean;
  /** The only run to serve; null for every run of the pool. */
  readonly run: string | null;
  /** Labels that tests may require; sorted. */
  readonly labels: readonly string[];
  /** The user that runs pytest; null for the agent's own. */
  readonly runAs: string | null;
  /** Where this agent gets the files of a run: its own directory, or a git checkout of the run's commit. */
  readonly source: (typeof sources)[number];
  /** The repositories that it fetches from, as addresses or beginnings of them that end in `/*`. */
  readonly allowedRepositories: readonly string[];
  /** The shell command that prepares a checkout; null for none. */
  readonly prepare: string | null;
  /** Paths and glob patterns in the checkout. The command runs again when one of these files changes. */
  readonly lockFiles: readonly string[];
  /** How many checkouts to keep. */
  readonly keepWorkspaces: number;
  /** Disk that checkouts and repositories may take, in bytes; null for no limit. */
  readonly maxWorkspaceBytes: number | null;
  /** What a run may ask of pytest: `safe` is the selection of tests and the form of the output. */
  readonly acceptArgs: (typeof acceptChoices)[number];
  /** The file of the public keys whose runs this agent serves; null for none. */
  readonly trust: string | null;
  /** The file of the private key that signs what this agent reports; null to sign nothing. */
  readonly signKey: string | null;
  /** A public key in base64 (SPKI), from the command that started this agent; null for none. */
  readonly trustedKey: string | null;
  /** What to do with runs that none of these keys has signed. */
  readonly verify: VerifyMode;
  /** See `RunSettings.trustsNetwork`. */
  readonly trustsNetwork: boolean;
  /** Arguments of pytest that the user of this machine gave, if another shardline command started this agent. */
  readonly ownArgs: readonly string[];
}

/** See `AgentSettings.source`. */
export const sources = ['directory', 'git'] as const;

/** See `AgentSettings.acceptArgs`. */
export const acceptChoices = ['safe', 'any'] as const;

export interface ReportSettings {
  readonly command: 'report';
  /** Finished runs: directories, ids, report.json or events.ndjson; none for the newest. */
  readonly sources: readonly string[];
  /** Whether to merge all of them into one report instead of comparing the second with the first. */
  readonly merge: boolean;
  /** The file to which the durations of the runs are added; null for none. */
  readonly timings: string | null;
  /** The directory of the report's test files. */
  readonly workspace: string;
  /** The interpreter that combines the coverage of parts. */
  readonly python: string;
  readonly copies: Copies;
  /** Whether to write annotations and a job summary for GitHub Actions. */
  readonly github: boolean;
  readonly targets: readonly Target[] | null;
  readonly baseline: string | null;
  readonly verbosity: Verbosity;
  /** Whether to print the result as JSON lines. */
  readonly isJson: boolean;
}

export interface PlanSettings {
  readonly command: 'plan';
  readonly workspace: string;
  readonly paths: readonly string[];
  readonly pytestArgs: readonly string[];
  readonly python: string;
  readonly numprocesses: string;
  readonly workerBytes: number;
  readonly serialMarker: string;
  readonly collect: CollectChoice;
  readonly shardTogether: readonly (readonly string[])[];
  readonly timings: string | null;
  /** The number of parts; null to divide nothing. */
  readonly shards: number | null;
  /** Where to write the parts; null writes nothing. */
  readonly out: string | null;
}

export interface InitSettings {
  readonly command: 'init';
  readonly workspace: string;
  /** null for the provider whose configuration the repository has. */
  readonly provider: CiProvider | null;
  /** The number of parallel jobs. */
  readonly jobs: number;
  /** Whether the jobs share a queue in Redis; otherwise each runs its part. */
  readonly isQueue: boolean;
  /** Whether to write the file instead of printing it. */
  readonly isWritten: boolean;
}

export interface DoctorSettings {
  readonly command: 'doctor';
  readonly workspace: string;
  readonly paths: readonly string[];
  readonly pytestArgs: readonly string[];
  readonly python: string;
  readonly numprocesses: string;
  readonly workerBytes: number;
  readonly serialMarker: string;
  /** null for an embedded Redis. */
  readonly redis: string | null;
  readonly redisTls: TlsFiles;
  readonly redisBin: string | null;
  readonly pipPython: string | null;
  readonly pool: string;
  readonly timings: string | null;
}

export interface StatusSettings {
  readonly command: 'status';
  readonly redis: string;
  readonly redisTls: TlsFiles;
  readonly pool: string;
  /** Whether to print JSON. */
  readonly isJson: boolean;
}

export interface CancelSettings {
  readonly command: 'cancel';
  readonly redis: string;
  readonly redisTls: TlsFiles;
  readonly run: string;
}

/** What a certificate may be for. */
export const certifiedRoles = ['agent', 'coordinator', 'both'] as const;

export interface KeygenSettings {
  readonly command: 'keygen';
  /** The file of the private key, or of a public key to certify, relative to the current directory. */
  readonly path: string;
  /** Whether the new key only certifies others. */
  readonly isPoolKey: boolean;
  /** null for no certificate. */
  readonly certificate: CertificateSettings | null;
}

export interface CertificateSettings {
  /** The file of the private pool key; `-` for standard input. */
  readonly poolKey: string;
  readonly role: (typeof certifiedRoles)[number];
  /** Names, or their beginning and `*`. */
  readonly pools: string;
  readonly runs: string;
  readonly validSeconds: number;
  readonly mostAgents: number | null;
}

export interface RunsSettings {
  readonly command: 'runs';
  readonly workspace: string;
  /** How many runs to list. */
  readonly last: number;
}

export interface CleanSettings {
  readonly command: 'clean';
  readonly workspace: string;
  /** How many runs to keep. */
  readonly keep: number;
}

export interface ReplaySettings {
  readonly command: 'replay';
  /** A finished run: its directory or id, its report.json or events.ndjson. null for the newest. */
  readonly source: string | null;
  /** null means the only agent, or the agent that ran the test to bisect. */
  readonly agent: string | null;
  /** An xdist worker's name; null for all workers of the agent. */
  readonly worker: string | null;
  /** The node id of a test that fails after others. */
  readonly bisect: string | null;
  /** A list of node ids to run in its order, instead of an agent's tests; `-` is standard input. */
  readonly selected: string | null;
  /** Whether to pass all arguments of a run that is not one of this directory. */
  readonly trustsArguments: boolean;
  readonly python: string;
  readonly workspace: string;
}

export interface AuditSettings {
  readonly command: 'audit';
  /** Paths as given, relative to the workspace. */
  readonly paths: readonly string[];
  /** A file's path, or `-` for standard input. */
  readonly selected: string | null;
  readonly pytestArgs: readonly string[];
  /** The number of local agents in the measured run. */
  readonly agents: number;
  readonly numprocesses: string;
  readonly workerBytes: number;
  readonly redisBin: string | null;
  readonly python: string;
  readonly workspace: string;
  readonly out: string | null;
  /** An earlier run that replaces the serial one: its directory or report, or a JUnit file. */
  readonly baseline: string | null;
  readonly serialMarker: string;
  /** Limit for one execution of the suite. */
  readonly stepLimitSeconds: number;
  readonly isQuiet: boolean;
}

export interface ServeSettings {
  readonly command: 'serve';
  readonly redis: string;
  readonly redisTls: TlsFiles;
  readonly pool: string;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** null means no token on a loopback address, and a random one elsewhere. */
  readonly token: string | null;
  /** Where to serve metrics; null for nowhere. */
  readonly metrics: ListenAddress | null;
  /** What an autoscaler is asked to reach. `slotsPerAgent` counts while there is no agent to ask. */
  readonly scaling: { readonly targetSeconds: number; readonly maxAgents: number; readonly slotsPerAgent: number };
}

export type Settings =
  | RunSettings
  | CiSettings
  | AgentSettings
  | ReportSettings
  | PlanSettings
  | InitSettings
  | DoctorSettings
  | StatusSettings
  | CancelSettings
  | KeygenSettings
  | RunsSettings
  | CleanSettings
  | ReplaySettings
  | ServeSettings
  | AuditSettings;
