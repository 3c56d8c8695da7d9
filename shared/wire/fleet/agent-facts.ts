// What an agent says of itself in its pool, for `shardline status`, `shardline serve` and the metrics. Nothing is decided by it.

import { z } from 'zod';
import { type Decline, declineCauses } from '../../domain/fleet/decline.ts';
import type { RunId } from '../../domain/ids.ts';
import { ShardlineError } from '../../errors.ts';
import { oneLine } from '../../text/safe-text.ts';
import { bytesSchema, hostSchema, MOST_WORKERS, secondsSchema } from '../limits.ts';
import { listOf, parseVersioned, runIdSchema } from '../parse.ts';

export interface AgentFacts {
  /** The version of shardline. */
  readonly version: string;
  readonly host: string;
  /** Processors that it may use; may be a fraction. */
  readonly cpus: number;
  readonly memoryBytes: number;
  /** xdist workers of one of its sessions; 0 if only pytest knows. */
  readonly workers: number;
  readonly labels: readonly string[];
  /**
   * The commit of its workspace. For an agent that checks out the commit of each run, that of the run that it joined last, and null while it
   * serves none. null outside git.
   */
  readonly commit: string | null;
  /** How long it still finishes what runs before it leaves; null while it takes more. */
  readonly drainSeconds: number | null;
  /** The runs that it serves, each with the number of shards that it holds. */
  readonly runs: readonly { readonly run: RunId; readonly shards: number }[];
  /** The runs that it has declined last, the newest at the end. */
  readonly declined: readonly Decline[];
}

const FACTS_VERSION = 1;
/** Characters of the whole text, checked before it is parsed. */
const LONGEST_FACTS = 32_768;
const MOST_LABELS = 64;
const MOST_RUNS = 64;
const MOST_DECLINED = 8;
const word = z.string().max(128).transform(oneLine);

const factsSchema = z.object({
  version: z.literal(FACTS_VERSION),
  facts: z.object({
    version: word,
    host: hostSchema.transform(oneLine),
    cpus: z.number().min(0).max(MOST_WORKERS),
    memoryBytes: bytesSchema,
    workers: z.int().min(0).max(MOST_WORKERS),
    labels: listOf(word, { most: MOST_LABELS }),
    commit: z
      .string()
      .regex(/^[0-9a-f]{7,64}$/)
      .nullable(),
    drainSeconds: secondsSchema.nullable(),
    runs: listOf(z.object({ run: runIdSchema, shards: z.int().min(0).max(100_000) }), { most: MOST_RUNS }),
    // Agents of an earlier version do not say it.
    declined: listOf(z.object({ run: runIdSchema, cause: z.enum(declineCauses).catch('unreadable') }), { most: MOST_DECLINED }).default([]),
  }),
});

/** Leaves out labels, runs and earlier declines beyond the limits, so that every reader accepts the rest. */
export function encodeFacts(facts: AgentFacts): string {
  const { labels, runs, host, declined } = facts;
  const limited = {
    ...facts,
    host: host.slice(0, 255),
    labels: labels.slice(0, MOST_LABELS),
    runs: runs.slice(0, MOST_RUNS),
    declined: declined.slice(-MOST_DECLINED),
  };
  return JSON.stringify({ version: FACTS_VERSION, facts: limited });
}

/** null for a text that this version cannot read: the agent is shown by its name. */
export function readFacts(text: string | null | undefined): AgentFacts | null {
  if (text == null || text.length > LONGEST_FACTS) return null;
  try {
    return parseVersioned(factsSchema, text, 'the facts of an agent', FACTS_VERSION).facts;
  } catch (thrown) {
    if (thrown instanceof ShardlineError) return null;
    throw thrown;
  }
}
