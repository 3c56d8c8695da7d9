// An attempt on its way to an agent: the data of one BullMQ job.

import { z } from 'zod';
import { type AttemptEnding, type AttemptRequest, attemptRoles, interruptCauses } from '../domain/attempt.ts';
import type { Selector } from '../domain/shard.ts';
import { errorCodes } from '../errors.ts';
import { agentIdSchema, attemptIdSchema, nodeIdSchema, parseVersioned, shardIdSchema, testFileSchema } from './parse.ts';

const ATTEMPT_VERSION = 1;

export const selectorSchema: z.ZodType<Selector> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('file'), file: testFileSchema }),
  z.object({ kind: z.literal('tests'), file: testFileSchema, nodeids: z.array(nodeIdSchema), mayMiss: z.boolean().optional() }),
  z.object({ kind: z.literal('part'), file: testFileSchema, only: z.array(nodeIdSchema).nullable(), except: z.array(nodeIdSchema) }),
]);

const requestSchema = z.object({
  version: z.literal(ATTEMPT_VERSION),
  id: attemptIdSchema,
  shard: shardIdSchema,
  fence: z.int().positive(),
  role: z.enum(attemptRoles),
  selectors: z.array(selectorSchema),
  predictedSeconds: z.number().nonnegative(),
  avoid: z.array(agentIdSchema).default([]),
});

export const endingSchema: z.ZodType<AttemptEnding> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('finished') }),
  z.object({ kind: z.literal('interrupted'), by: z.enum(interruptCauses) }),
  z.object({
    kind: z.literal('crashed'),
    exitCode: z.int().nullable(),
    signal: z.string().nullable(),
    running: nodeIdSchema.nullable(),
    detail: z.string(),
  }),
  z.object({ kind: z.literal('not-started'), error: z.enum(errorCodes), detail: z.string() }),
  z.object({ kind: z.literal('lost') }),
]);

export const encodeAttempt = (request: AttemptRequest): string => JSON.stringify({ version: ATTEMPT_VERSION, ...request });

/** Throws `bad-message` and `newer-version`. */
export function decodeAttempt(text: string, source: string): AttemptRequest {
  const { version: _, ...request } = parseVersioned(requestSchema, text, source, ATTEMPT_VERSION);
  return request;
}
