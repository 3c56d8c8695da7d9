// An attempt on its way to an agent: the data of one BullMQ job. Also what its tests need.

import { z } from 'zod';
import { type AttemptEnding, type AttemptRequest, attemptRoles, interruptCauses } from '../domain/attempt.ts';
import { NEEDS_LIMITS, type Needs, type ResourceNeed, type TestNeeds } from '../domain/needs.ts';
import type { Selector } from '../domain/shard.ts';
import { errorCodes } from '../errors.ts';
import { COORDINATOR, decodeMessage, encodeMessage, type Reader, type RunAddress } from './envelope.ts';
import { secondsSchema } from './limits.ts';
import { agentIdSchema, attemptIdSchema, listOf, nodeIdSchema, shardIdSchema, testFileSchema } from './parse.ts';
import type { Signer } from './signature.ts';

export const needNameSchema = z.string().min(1).max(NEEDS_LIMITS.nameChars);
export const unitsSchema = z.int().positive().max(NEEDS_LIMITS.units);

const labelsUpTo = (most: number) => listOf(needNameSchema, { most });
const resourcesUpTo = (most: number): z.ZodType<readonly ResourceNeed[]> =>
  listOf(z.object({ name: needNameSchema, units: unitsSchema }), { most });
const needsUpTo = (most: number): z.ZodType<Needs> => z.object({ labels: labelsUpTo(most), resources: resourcesUpTo(most) });

export const labelsSchema = labelsUpTo(NEEDS_LIMITS.names);
export const resourcesSchema = resourcesUpTo(NEEDS_LIMITS.names);
export const needsSchema = needsUpTo(NEEDS_LIMITS.names);

/** See `shardNeeds`. */
export const shardNeedsSchema = needsUpTo(NEEDS_LIMITS.names + 1);

/** What single tests need; tests without needs are left out. */
export const testNeedsSchema: z.ZodType<readonly TestNeeds[]> = listOf(z.object({ nodeid: nodeIdSchema, needs: needsSchema }));

export const limitsSchema = z.record(needNameSchema, unitsSchema);

export const selectorSchema: z.ZodType<Selector> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('file'), file: testFileSchema }),
  z.object({ kind: z.literal('tests'), file: testFileSchema, nodeids: listOf(nodeIdSchema), mayMiss: z.boolean().optional() }),
  z.object({ kind: z.literal('part'), file: testFileSchema, only: listOf(nodeIdSchema).nullable(), except: listOf(nodeIdSchema) }),
]);

const requestSchema: z.ZodType<AttemptRequest> = z.object({
  id: attemptIdSchema,
  shard: shardIdSchema,
  fence: z.int().positive(),
  role: z.enum(attemptRoles),
  selectors: listOf(selectorSchema),
  predictedSeconds: secondsSchema,
  avoid: listOf(agentIdSchema).default([]),
  needs: needsSchema.optional(),
  lane: labelsSchema.optional(),
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

/** `epoch` is the coordinator's. */
export const encodeAttempt = (request: AttemptRequest, address: RunAddress, epoch: number, signer: Signer | null = null): string =>
  encodeMessage('attempt', { ...address, sender: COORDINATOR, seq: request.fence, epoch }, request, signer);

/** Throws what `decodeMessage` throws. */
export const decodeAttempt = (text: string, reader: Reader, source: string): AttemptRequest =>
  decodeMessage('attempt', requestSchema, text, reader, source);
