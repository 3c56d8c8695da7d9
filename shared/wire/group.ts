// The format of a group's verdict in Redis.

import { z } from 'zod';
import { type GroupVerdict, MOST_AGAIN } from '../domain/group.ts';
import { oneLine } from '../text/safe-text.ts';
import { agentIdSchema, nodeIdSchema, parseVersioned, runIdSchema } from './parse.ts';

const VERDICT_VERSION = 1;
/** Characters of the verdict in words. */
const LINE_CHARS = 500;
/** The most agents that a verdict names. */
const MOST_AGENTS = 10_000;

const verdictSchema = z.object({
  version: z.literal(VERDICT_VERSION),
  run: runIdSchema,
  exitCode: z.int().min(0).max(255),
  line: z.string().max(LINE_CHARS).transform(oneLine),
  failedOn: z.array(agentIdSchema).max(MOST_AGENTS),
  again: z.array(nodeIdSchema).max(MOST_AGAIN).nullable(),
  files: z.string().max(64).nullable(),
});

export const encodeVerdict = (verdict: GroupVerdict): string =>
  JSON.stringify({
    version: VERDICT_VERSION,
    ...verdict,
    line: verdict.line.slice(0, LINE_CHARS),
    failedOn: verdict.failedOn.slice(0, MOST_AGENTS),
  });

/** Throws `bad-message` and `newer-version`. */
export function decodeVerdict(text: string, source: string): GroupVerdict {
  const { version: _version, ...verdict } = parseVersioned(verdictSchema, text, source, VERDICT_VERSION);
  return verdict;
}
