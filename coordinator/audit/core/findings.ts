// What an audit measured. What follows from it is audit.ts's.

import type { Report } from '../../../shared/domain/report.ts';
import type { ImportedPackage } from './import-times.ts';
import type { Execution } from './isolation.ts';
import type { Measurement } from './measurement.ts';

/** An ordinary run of shardline; `seconds` from its command's start to its end. */
export interface Sharded {
  readonly seconds: number;
  readonly agents: number;
  readonly report: Report;
}

/** An earlier run that stands for the sequential one. Its times are sums over tests: how long it took is not known of it. */
export interface Before {
  readonly name: string;
  readonly tests: number;
  readonly failed: number;
  readonly testSeconds: number;
}

/** All that was measured; null for what was not. */
export interface Findings {
  /** What `shardline run` is to be given for this suite: paths, or `--selected`. */
  readonly what: readonly string[];
  readonly pytestArgs: readonly string[];
  readonly finishedAt: string;
  readonly machine: { readonly cpus: number; readonly memoryBytes: number };
  readonly limitSeconds: number;
  /** Beyond its tests, what one shard costs. */
  readonly shardSeconds: number;
  readonly imports: readonly ImportedPackage[];
  readonly sequential: Measurement | null;
  readonly before: Before | null;
  readonly parallel: Measurement | null;
  readonly sharded: Sharded | null;
  readonly executions: readonly Execution[];
  /** Why what is missing is missing, and what is partial. */
  readonly problems: readonly string[];
}

export interface Timed {
  readonly name: string;
  readonly seconds: number;
  /** Tests of a file; null for one test. */
  readonly tests: number | null;
}

/** xdist workers of the local executions; 1 when nothing ran in parallel. */
export const localWorkers = ({ sharded, parallel }: Pick<Findings, 'sharded' | 'parallel'>): number =>
  sharded?.report.agents.reduce((sum, { workers }) => sum + workers, 0) || parallel?.workers || 1;
