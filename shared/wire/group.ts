// The verdict of a group, which is the parallel jobs of a CI pipeline that share one run, and its format in Redis.

import { z } from 'zod';
import type { AgentId, RunId } from '../domain/ids.ts';
import { oneLine } from '../text/safe-text.ts';
import { COORDINATOR, decodeMessage, encodeMessage, type Reader, type RunAddress } from './envelope.ts';
import { instantSchema } from './limits.ts';
import { agentIdSchema, listOf, nodeIdSchema, runIdSchema } from './parse.ts';
import type { Signer } from './signature.ts';

/** What every job of the group ends with. The job that led writes it once the reports are written. */
export interface GroupVerdict {
  readonly run: RunId;
  readonly exitCode: number;
  /** The verdict in words, on one line. */
  readonly line: string;
  /** Agents whose own results include a failure; null if anything else also made the run red. */
  readonly failedOn: readonly AgentId[] | null;
  /** What a retry runs; null for the whole suite. */
  readonly again: RunAgain | null;
  /** Equal for workspaces with the same files; null if unknown. A retry of other files runs the whole suite. */
  readonly files: string | null;
  /** Milliseconds since the epoch by the clock of the job that led; null in a verdict of an earlier version. */
  readonly endedAt: number | null;
  /** The SHA-256 of `report.json` in hexadecimal; null without one. */
  readonly reportDigest: string | null;
}

/** Node ids of tests that failed, and the paths and node ids of what did not run. */
export interface RunAgain {
  readonly failed: readonly string[];
  readonly notRun: readonly string[];
}

/** The most tests that a retry runs by name. After more failures it runs the whole suite. */
export const MOST_AGAIN = 2000;

/** Characters of the verdict in words. */
const LINE_CHARS = 500;
/** The most agents that a verdict names. */
export const MOST_AGENTS = 10_000;

const namesSchema = listOf(nodeIdSchema, { most: MOST_AGAIN });

const verdictSchema: z.ZodType<GroupVerdict> = z.object({
  run: runIdSchema,
  exitCode: z.int().min(0).max(255),
  line: z.string().max(LINE_CHARS).transform(oneLine),
  failedOn: listOf(agentIdSchema, { most: MOST_AGENTS }).nullable(),
  again: z.object({ failed: namesSchema, notRun: namesSchema }).nullable(),
  files: z.string().max(64).nullable(),
  endedAt: instantSchema.nullable().default(null),
  reportDigest: z.string().max(64).nullable().default(null),
});

/** Where a verdict belongs: the run of a generation, and the epoch of the job that led it. */
export interface VerdictOrigin extends RunAddress {
  readonly generation: number;
  readonly epoch: number;
}

export function encodeVerdict(verdict: GroupVerdict, origin: VerdictOrigin, signer: Signer | null = null): string {
  const { generation, ...rest } = origin;
  return encodeMessage(
    'verdict',
    { ...rest, sender: COORDINATOR, seq: generation },
    { ...verdict, line: verdict.line.slice(0, LINE_CHARS) },
    signer,
  );
}

/** Throws what `decodeMessage` throws, also for the verdict of another generation. */
export const decodeVerdict = (text: string, reader: Reader, source: string): GroupVerdict =>
  decodeMessage('verdict', verdictSchema, text, reader, source);
