// One part of a suite that is divided among runs which do not know of each other. Their reports prove together that the parts are whole.

import type { TestFile } from './ids.ts';
import type { FingerprintPolicy } from './suite/fingerprint.ts';
import type { CollectChoice } from './suite/suite-list.ts';

/** Which part a run is asked to run: `--shard 2/4`. */
export interface PartRequest {
  /** From 1. */
  readonly index: number;
  readonly total: number;
  /** How often the CI provider has started this job, from 1. The last attempt of a part counts. */
  readonly attempt: number;
}

/** Reads `I/N`, as `2/4`; null for any other text, and unless 1 ≤ I ≤ N. */
export function parsePart(text: string): Pick<PartRequest, 'index' | 'total'> | null {
  const [, index, total] = /^(\d{1,5})\/(\d{1,5})$/.exec(text)?.map(Number) ?? [];
  return index === undefined || total === undefined || index < 1 || index > total ? null : { index, total };
}

export interface SuitePart extends PartRequest {
  /** Digest of the division and its arguments: equal in parts that were divided alike. Empty if the suite is unknown. */
  readonly digest: string;
  readonly pytestArgs: readonly string[];
  /** The arguments in PYTEST_ADDOPTS, as typed. */
  readonly addopts: string;
  readonly collect: CollectChoice;
  /** Every test file of the suite, as this run found them. */
  readonly files: readonly TestFile[];
  /** The files of this part. In a report, the files of which this run was to run the tests. */
  readonly own: readonly TestFile[];
}

/** The parts of a suite, planned once for all jobs: `shardline plan --shards N --out plan.json`. */
export interface Division extends Pick<SuitePart, 'pytestArgs' | 'addopts' | 'collect'> {
  /** The files of each part; every file is in exactly one. */
  readonly parts: readonly (readonly TestFile[])[];
}

/** A part as its report shows it. */
export interface ReportedPart extends SuitePart {
  /** Whether hooks of the suite turn a session without tests into a success. A part without tests is one in any case. */
  readonly acceptsNoTests: boolean;
  /** Whether a flaky test makes the run fail. A part that ran again may make a test flaky. */
  readonly flakyFails: boolean;
  readonly fingerprintPolicy: FingerprintPolicy;
  /** The whole list of the suite's tests; null if each worker collected only the files of this part, which has nothing to compare. */
  readonly list: ReportedList | null;
}

/** The digest does not depend on the order of the tests, which a plugin may shuffle differently in each part. */
export interface ReportedList {
  readonly tests: number;
  readonly digest: string;
}
