// An attempt on its way to an agent: the data of one BullMQ job. Also what its tests need.

import { z } from 'zod';
import { type AttemptEnding, type AttemptRequest, attemptRoles, interruptCauses } from '../domain/attempt.ts';
import type { Needs, ResourceNeed, TestNeeds } from '../domain/needs.ts';
import type { Selector } from '../domain/shard.ts';
import { errorCodes } from '../errors.ts';
import { COORDINATOR, decodeMessage, encodeMessage, type Reader, type RunAddress } from './envelope.ts';
import { agentIdSchema, attemptIdSchema, listOf, nodeIdSchema, shardIdSchema, testFileSchema } from './parse.ts';
import type { Signer } from './signature.ts';

const LONGEST_NAME = 200;
const MOST_NAMES = 50;
const MOST_UNITS = 1_000_000;

const name = z.string().min(1).max(LONGEST_NAME);
export const labelsSchema = listOf(name, { most: MOST_NAMES });

export const resourcesSchema: z.ZodType<readonly ResourceNeed[]> = listOf(z.object({ name, units: z.int().positive().max(MOST_UNITS) }), {
  most: MOST_NAMES,
});

export const needsSchema: z.ZodType<Needs> = z.object({ labels: labelsSchema, resources: resourcesSchema });

/** What single tests need; tests without needs are left out. */
export const testNeedsSchema: z.ZodType<readonly TestNeeds[]> = listOf(z.object({ nodeid: nodeIdSchema, needs: needsSchema }));

export const limitsSchema = z.record(name, z.int().positive().max(MOST_UNITS));

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
  predictedSeconds: z.number().nonnegative(),
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
