// The measurements of an audit. audit.ts draws the conclusions from them.

import type { Report } from '../../../shared/domain/report.ts';
import type { ImportedPackage } from './import-times.ts';
import type { Execution } from './isolation.ts';
import type { Measurement } from './measurement.ts';

/** An ordinary run of shardline. `seconds` counts from its command's start to its end. */
export interface Sharded {
  readonly seconds: number;
  readonly agents: number;
  readonly report: Report;
}

/** An earlier run used in place of the sequential one. Its times are sums over tests; its wall time is unknown. */
export interface Before {
  readonly name: string;
  readonly tests: number;
  readonly failed: number;
  readonly testSeconds: number;
}

/** All measurements; null for those that were not made. */
export interface Findings {
  /** The arguments that select this suite for `shardline run`: paths, or `--selected`. */
  readonly what: readonly string[];
  readonly pytestArgs: readonly string[];
  readonly finishedAt: string;
  readonly machine: { readonly cpus: number; readonly memoryBytes: number };
  readonly limitSeconds: number;
  /** The cost of one shard besides its tests. */
  readonly shardSeconds: number;
  readonly imports: readonly ImportedPackage[];
  readonly sequential: Measurement | null;
  readonly before: Before | null;
  readonly parallel: Measurement | null;
  readonly sharded: Sharded | null;
  readonly executions: readonly Execution[];
  /** Why measurements are missing or partial. */
  readonly problems: readonly string[];
}

export interface Timed {
  readonly name: string;
  readonly seconds: number;
  /** Number of tests of a file; null for one test. */
  readonly tests: number | null;
}

/** Number of xdist workers of the local executions; 1 if nothing ran in parallel. */
export const localWorkers = ({ sharded, parallel }: Pick<Findings, 'sharded' | 'parallel'>): number =>
  sharded?.report.agents.reduce((sum, { workers }) => sum + workers, 0) || parallel?.workers || 1;
