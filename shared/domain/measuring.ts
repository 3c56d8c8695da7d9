// The records of a measured pytest (pytest/plugin/lib/shardline_pytest/measurement.py) and the process that wrote them. Instants are in
// seconds since the epoch.

import type { NodeId, TestFile } from './ids.ts';
import type { Outcome } from './outcome.ts';

export type MeasureRecord = { readonly at: number } & (
  | { readonly kind: 'opened'; readonly rootdir: string; readonly workers: number; readonly dist: string }
  | { readonly kind: 'collection-began' }
  | { readonly kind: 'file-collected'; readonly file: TestFile; readonly seconds: number }
  | { readonly kind: 'not-collected'; readonly file: string }
  | { readonly kind: 'collection-ended' }
  | { readonly kind: 'test-began'; readonly nodeid: NodeId }
  | {
      readonly kind: 'test-ended';
      readonly nodeid: NodeId;
      readonly line: number | null;
      readonly isSerial: boolean;
      readonly outcome: Outcome;
      /** Parts of its setup: fixtures of class and module scope, and those of package and session scope, which other tests share. */
      readonly fileSeconds: number;
      readonly sessionSeconds: number;
    }
  | { readonly kind: 'crashed'; readonly nodeid: NodeId }
  | {
      readonly kind: 'fixture';
      readonly name: string;
      readonly scope: string;
      readonly file: string;
      readonly seconds: number;
      readonly count: number;
    }
  /** Totals up to this instant; `rssBytes` is the current value. */
  | { readonly kind: 'usage'; readonly cpuSeconds: number; readonly peakRssBytes: number; readonly rssBytes: number }
  | { readonly kind: 'finishing' }
);

/** `main`, or an xdist worker, with its records. */
export interface MeasuredProcess {
  readonly name: string;
  readonly records: readonly MeasureRecord[];
}
