// The format of agents' events on a run's stream: one entry is one batch of events.

import { z } from 'zod';
import { attemptRoles } from '../domain/attempt.ts';
import { type AttemptEvent, type RunEvent, unfitCauses } from '../domain/events.ts';
import type { AgentId } from '../domain/ids.ts';
import { outcomes } from '../domain/outcome.ts';
import { ShardlineError } from '../errors.ts';
import { endingSchema, labelsSchema, testNeedsSchema } from './attempt.ts';
import { keptCoverageSchema } from './coverage.ts';
import {
  decodeBody,
  decodeEnvelope,
  type Envelope,
  encodeMessage,
  type Origin,
  type Reader,
  type RunAddress,
  requireAddress,
} from './envelope.ts';
import {
  bytesSchema,
  hostSchema,
  instantSchema,
  lineSchema,
  MOST_WORKERS,
  messageSchema,
  secondsSchema,
  sectionsSchema,
} from './limits.ts';
import { agentIdSchema, attemptIdSchema, listOf, nodeIdSchema, shardIdSchema, testFileSchema } from './parse.ts';
import { countedWarningSchema, propertySchema, shownSchema } from './report/shown.ts';
import type { Signer } from './signature.ts';
import { fingerprintSchema } from './suite/fingerprint.ts';
import { suiteListSchema } from './suite/suite-list.ts';

const at = instantSchema;

const attemptEventSchema: z.ZodType<AttemptEvent> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('collected'),
    at,
    file: testFileSchema,
    nodeids: listOf(nodeIdSchema),
    serial: listOf(nodeIdSchema),
    needs: testNeedsSchema.exactOptional(),
    // A sender that does not know the mark has not looked for it.
    mayBackUp: z.boolean().default(false),
    digest: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .nullable()
      .default(null),
    seconds: secondsSchema,
    worker: lineSchema,
  }),
  z.object({
    kind: z.literal('collect-failed'),
    at,
    file: testFileSchema,
    errors: listOf(z.object({ nodeid: nodeIdSchema, message: messageSchema }), { least: 1 }),
  }),
  z.object({ kind: z.literal('test-started'), at, nodeid: nodeIdSchema, worker: lineSchema }),
  z.object({
    kind: z.literal('test-finished'),
    at,
    result: z.object({
      nodeid: nodeIdSchema,
      file: testFileSchema,
      line: z.int().nullable(),
      outcome: z.enum(outcomes),
      startedAt: instantSchema,
      seconds: secondsSchema,
      setupSeconds: secondsSchema,
      teardownSeconds: secondsSchema.exactOptional(),
      worker: lineSchema,
      isCrash: z.boolean(),
      message: messageSchema.nullable(),
      brief: messageSchema.nullable().default(null),
      sections: sectionsSchema,
      warnings: listOf(countedWarningSchema).exactOptional(),
      properties: listOf(propertySchema).exactOptional(),
    }),
  }),
]);

export const runEventSchema: z.ZodType<RunEvent> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('agent-joined'),
    at,
    agent: z.object({
      id: agentIdSchema,
      host: hostSchema,
      pid: z.int(),
      workers: z.int().nonnegative().max(MOST_WORKERS),
      python: lineSchema,
      pytest: lineSchema,
      xdist: lineSchema,
      hashSeed: lineSchema.nullable().default(null),
      isLocal: z.boolean().default(false),
      fingerprint: fingerprintSchema.default({ files: null, python: null }),
      labels: labelsSchema.exactOptional(),
    }),
  }),
  z.object({
    kind: z.literal('agent-left'),
    at,
    agent: agentIdSchema,
    busySeconds: secondsSchema,
    idleSeconds: secondsSchema,
    peakRssBytes: bytesSchema,
    cpuSeconds: secondsSchema.nullable().default(null),
  }),
  z.object({ kind: z.literal('agent-draining'), at, agent: agentIdSchema }),
  z.object({ kind: z.literal('suite-listed'), at, agent: agentIdSchema, list: suiteListSchema }),
  z.object({
    kind: z.literal('suite-inseparable'),
    at,
    agent: agentIdSchema,
    why: messageSchema,
    file: testFileSchema.nullable().default(null),
    companions: listOf(testFileSchema).default([]),
  }),
  z.object({ kind: z.literal('suite-refused'), at, agent: agentIdSchema, message: messageSchema }),
  z.object({
    kind: z.literal('agent-unfit'),
    at,
    agent: agentIdSchema,
    host: hostSchema,
    why: z.enum(unfitCauses),
    problem: messageSchema,
    fingerprint: fingerprintSchema,
  }),
  z.object({ kind: z.literal('coverage-kept'), at, coverage: keptCoverageSchema }),
  z.object({ kind: z.literal('session-ended'), at, agent: agentIdSchema, problem: messageSchema.nullable(), acceptsNoTests: z.boolean() }),
  z.object({ kind: z.literal('session-shown'), at, agent: agentIdSchema, shown: shownSchema }),
  z.object({
    kind: z.literal('attempt-started'),
    at,
    agent: agentIdSchema,
    attempt: attemptIdSchema,
    shard: shardIdSchema,
    fence: z.int().positive(),
    role: z.enum(attemptRoles),
  }),
  z.object({
    kind: z.literal('attempt-reported'),
    agent: agentIdSchema,
    attempt: attemptIdSchema,
    shard: shardIdSchema,
    event: attemptEventSchema,
  }),
  z.object({
    kind: z.literal('attempt-ended'),
    at,
    agent: agentIdSchema,
    attempt: attemptIdSchema,
    shard: shardIdSchema,
    ending: endingSchema,
    seconds: secondsSchema,
  }),
]);

const batchSchema = listOf(runEventSchema);

export const encodeEvents = (events: readonly RunEvent[], origin: Origin, signer: Signer | null = null): string =>
  encodeMessage('events', origin, events, signer);

/** Every event must be its sender's own. Throws what `decodeMessage` throws. */
export function decodeEvents(text: string, reader: Reader, source: string): readonly RunEvent[] {
  const envelope = batchEnvelope(text, reader, source);
  reader.verifier.verify(envelope, source);
  return eventsIn(envelope, source);
}

/** A batch whose signature is still to be verified, and whose body is not read. Throws `bad-message`, `newer-version` and `older-version`. */
export function batchEnvelope(text: string, address: RunAddress, source: string): Envelope {
  const envelope = decodeEnvelope(text, source);
  requireAddress(envelope, 'events', address, source);
  return envelope;
}

/** Throws `bad-message`. */
export function eventsIn(envelope: Envelope, source: string): readonly RunEvent[] {
  const events = decodeBody(batchSchema, envelope, source);
  const foreign = events.map(agentOf).find((agent) => agent !== envelope.sender);
  if (foreign === undefined) return events;
  throw new ShardlineError('bad-message', { source, problem: `agent ${envelope.sender} sent an event of agent ${foreign}` });
}

function agentOf(event: RunEvent): AgentId {
  if (event.kind === 'agent-joined') return event.agent.id;
  return event.kind === 'coverage-kept' ? event.coverage.agent : event.agent;
}
