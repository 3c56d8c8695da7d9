// The settings of each command, after flags, environment and pyproject.toml were read and checked. Durations in seconds, sizes in bytes, paths absolute.

import type { FingerprintPolicy } from '../domain/fingerprint.ts';
import type { Order } from '../domain/order.ts';
import type { Reruns } from '../domain/reruns.ts';
import type { Relay } from '../domain/run-spec.ts';
import type { CollectChoice } from '../domain/suite-list.ts';
import type { Target } from '../domain/targets.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export const verbosities = ['quiet', 'normal', 'verbose'] as const;
export type Verbosity = (typeof verbosities)[number];

/** Whether an attempt that holds up the end is run a second time on an idle agent. */
export const speculations = ['off', 'auto'] as const;

interface CommonSettings {
  readonly pool: string;
  /** xdist workers of one agent: `auto` or a number. */
  readonly numprocesses: string;
  /** Interpreter as given; null for the active environment's. */
  readonly python: string | null;
  readonly workspace: string;
  readonly workerBytes: number;
  readonly logLevel: LogLevel;
  readonly logFile: string | null;
}

/** Where somebody wants the report, by its form; null for nowhere. */
export interface Copies {
  readonly json: string | null;
  readonly junitXml: string | null;
  readonly html: string | null;
  readonly trace: string | null;
}

export interface RunSettings extends CommonSettings {
  readonly command: 'run';
  /** The run to take over; null for a new one. */
  readonly resume: string | null;
  /** As given: relative to the workspace. */
  readonly paths: readonly string[];
  /** A file's path, or `-` for standard input. */
  readonly selected: string | null;
  /** Run only what failed in the last run, or in `baseline`. */
  readonly failed: boolean;
  readonly pytestArgs: readonly string[];
  /** null: 1 with the embedded Redis, 0 with another. */
  readonly agents: number | null;
  /** null: embedded. */
  readonly redis: string | null;
  readonly redisBin: string | null;
  readonly out: string | null;
  readonly timings: string | null;
  readonly copies: Copies;
  /** Annotations and a job summary for GitHub Actions. */
  readonly github: boolean;
  readonly targets: readonly Target[] | null;
  /** An earlier run: what it left, or a JUnit file. */
  readonly baseline: string | null;
  /** null: what pytest's own configuration says. */
  readonly maxfail: number | null;
  /** 0: none. */
  readonly crashLimit: number;
  readonly reruns: Reruns;
  readonly flakyFails: boolean;
  /** For one test; null: only what its whole shard makes sure hangs. */
  readonly testTimeoutSeconds: number | null;
  readonly verbosity: Verbosity;
  readonly collect: CollectChoice;
  readonly deadlineSeconds: number | null;
  /** null: a part of the deadline. */
  readonly reserveSeconds: number | null;
  readonly speculate: (typeof speculations)[number];
  /** null: longest, and by value under a deadline that cannot be met. */
  readonly order: Order | null;
  /** A commit: test files that differ from it are likelier to fail. */
  readonly changedSince: string | null;
  readonly serialMarker: string;
  readonly relay: Relay;
  readonly fingerprint: FingerprintPolicy;
  /** 0: no limit. */
  readonly maxWorkerBytes: number;
  readonly maxWorkerFiles: number;
  /** Files longer than this are split by test; null: those that would hold up the end. */
  readonly splitOverSeconds: number | null;
  readonly waitAgentsSeconds: number;
  /** Sets of glob patterns, relative to pytest's rootdir: files that match one of a set go to one shard. */
  /** What `--harmless-hooks` declares. */
  readonly harmless: readonly string[];
  readonly shardTogether: readonly (readonly string[])[];
  readonly redisWaitSeconds: number;
}

export interface AgentSettings extends CommonSettings {
  readonly command: 'agent';
  readonly redis: string;
  readonly name: string | null;
  /** How long to wait for a run; null for as long as it takes. */
  readonly maxIdleSeconds: number | null;
  /** Leave after one run, or when standard input ends: how a run starts its own agents. */
  readonly once: boolean;
  /** The only run to serve. */
  readonly run: string | null;
}

export interface ReportSettings {
  readonly command: 'report';
  /** What runs left: folders, ids, report.json or events.ndjson; at least one. */
  readonly sources: readonly string[];
  /** Make one report of all of them, rather than compare the second with the first. */
  readonly merge: boolean;
  /** Where the test files of the report are. */
  readonly workspace: string;
  readonly copies: Copies;
  /** Annotations and a job summary for GitHub Actions. */
  readonly github: boolean;
  readonly targets: readonly Target[] | null;
  readonly baseline: string | null;
  readonly verbosity: Verbosity;
}

export interface ReplaySettings {
  readonly command: 'replay';
  /** What a run left: its folder or id, its report.json or events.ndjson. */
  readonly source: string;
  /** null: the only one, or whoever ran what is bisected. */
  readonly agent: string | null;
  /** An xdist worker's name; null for all of the agent's. */
  readonly worker: string | null;
  /** The node id of a test that fails after others. */
  readonly bisect: string | null;
  /** A list of node ids to run in its order, instead of an agent's; `-` is standard input. */
  readonly selected: string | null;
  readonly python: string | null;
  readonly workspace: string;
}

export interface AuditSettings {
  readonly command: 'audit';
  /** As given: relative to the workspace. */
  readonly paths: readonly string[];
  /** A file's path, or `-` for standard input. */
  readonly selected: string | null;
  readonly pytestArgs: readonly string[];
  /** Local agents of the run that is measured. */
  readonly agents: number;
  readonly numprocesses: string;
  readonly workerBytes: number;
  readonly redisBin: string | null;
  readonly python: string | null;
  readonly workspace: string;
  readonly out: string | null;
  /** An earlier run that stands for the sequential one: what it left, or a JUnit file. */
  readonly baseline: string | null;
  readonly serialMarker: string;
  /** For one execution of the suite. */
  readonly stepLimitSeconds: number;
  readonly isQuiet: boolean;
}

export interface ServeSettings {
  readonly command: 'serve';
  readonly redis: string;
  readonly pool: string;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** null: none on a loopback address, else a random one. */
  readonly token: string | null;
}

export type Settings = RunSettings | AgentSettings | ReportSettings | ReplaySettings | ServeSettings | AuditSettings;
