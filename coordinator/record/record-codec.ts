// The records of a run log as events. A log may come from another machine, so every record is validated like a message.

import { z } from 'zod';
import { attemptRoles, interruptCauses } from '../../shared/domain/attempt.ts';
import { absenceCauses } from '../../shared/domain/fleet/decline.ts';
import { agentId } from '../../shared/domain/ids.ts';
import { notRunReasons } from '../../shared/domain/outcome.ts';
import { rejectionCauses } from '../../shared/domain/report.ts';
import type { Shard } from '../../shared/domain/shard.ts';
import { orders } from '../../shared/domain/shard.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { inTimeOf } from '../../shared/wire/agreed-time.ts';
import { labelsSchema, limitsSchema, needsSchema, resourcesSchema, selectorSchema, shardNeedsSchema } from '../../shared/wire/attempt.ts';
import { coverageOptionsSchema, reportedCoverageSchema } from '../../shared/wire/coverage.ts';
import {
  decodeEnvelope,
  type Envelope,
  encodeMessage,
  keyIdSchema,
  type Origin,
  type RunAddress,
  requireAddress,
} from '../../shared/wire/envelope.ts';
import { batchEnvelope, eventsIn } from '../../shared/wire/events.ts';
import { instantSchema, MOST_WORKERS, secondsSchema } from '../../shared/wire/limits.ts';
import {
  agentIdSchema,
  attemptIdSchema,
  checked,
  nodeIdSchema,
  parseJson,
  shardIdSchema,
  testFileSchema,
} from '../../shared/wire/parse.ts';
import { originSchema } from '../../shared/wire/report/origin.ts';
import { suitePartSchema } from '../../shared/wire/report/part.ts';
import { batchNumberSchema, digestOf, type LogRecord, positionSchema, streamReadSchema } from '../../shared/wire/run-log.ts';
import { specSchema } from '../../shared/wire/run-spec.ts';
import { NO_VERIFIER, type Signer, type Verifier } from '../../shared/wire/signature.ts';
import { pythonPrintSchema } from '../../shared/wire/suite/fingerprint.ts';
import { runCacheSchema } from '../../shared/wire/suite/pytest-cache.ts';
import { loadSchema } from '../../shared/wire/suite/suite-list.ts';
import type { AgentKey } from '../../shared/wire/trust/agent-keys.ts';
import { unitKinds } from '../core/plan/affinity.ts';
import { type CloseReason, type CoordinatorEvent, dismissalCauses, type EventOf, type OwnEvent } from '../core/state/events.ts';

const at = instantSchema;
const seconds = secondsSchema;
const chance = z.number().min(0).max(1);

type OwnSchemas = { readonly [Kind in OwnEvent['kind']]: z.ZodType<EventOf<Kind>> };

const closeReasonSchema: z.ZodType<CloseReason> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('done') }),
  z.object({ kind: z.literal('stopped'), notRun: z.enum(notRunReasons), by: z.enum(interruptCauses) }),
]);

const shardSchema: z.ZodType<Shard> = z.object({
  id: shardIdSchema,
  selectors: z.array(selectorSchema),
  predictedSeconds: seconds,
  runsLast: z.boolean().optional(),
  needs: shardNeedsSchema.optional(),
});

const openedSchema: OwnSchemas['run-opened'] = z.object({
  kind: z.literal('run-opened'),
  at,
  startedAt: at,
  spec: specSchema,
  shards: z.array(shardSchema),
  collectErrors: z.array(z.object({ file: z.string(), message: z.string() })),
  preparation: z.object({ setupSeconds: seconds, discoverySeconds: seconds }),
  attemptLimit: z.int().positive(),
  crashLimit: z.int().nonnegative(),
  reruns: z.object({
    times: z.int().nonnegative(),
    limit: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('tests'), tests: z.int().nonnegative() }),
      z.object({ kind: z.literal('percent'), percent: z.number().min(0).max(100) }),
    ]),
  }),
  flakyFails: z.boolean(),
  waitAgentSeconds: seconds,
  deadline: z.object({ seconds, reserveSeconds: seconds }).nullable(),
  affinity: z.object({ unit: z.enum(unitKinds), together: z.array(z.array(testFileSchema)) }),
  speculate: z.boolean(),
  order: z.enum(orders).nullable(),
  failureChances: z.record(shardIdSchema, chance),
  digests: z.record(testFileSchema, z.string()),
  failedWhole: z.array(nodeIdSchema).default([]),
  companions: z.array(testFileSchema).default([]),
  loads: z.array(loadSchema).default([]),
  acceptsNoTests: z.boolean().default(false),
  junitXml: z.string().nullable().default(null),
  knownTests: z.record(z.string(), z.int().positive()).default({}),
  // Runs of an earlier version combined no coverage.
  coverage: coverageOptionsSchema.nullable().default(null),
  cache: runCacheSchema.nullable().default(null),
  python: pythonPrintSchema.nullable().default(null),
  part: suitePartSchema.nullable().default(null),
  resources: limitsSchema.default({}),
  onlyAgents: z.int().nonnegative().nullable().default(null),
  origin: originSchema.nullable().default(null),
  restarted: z
    .object({
      why: z.string(),
      voidTests: z.int().nonnegative(),
      mismatch: z.object({ file: testFileSchema, digest: z.string().nullable() }).nullable().default(null),
    })
    .nullable(),
});

const ownSchemas: OwnSchemas = {
  'run-opened': openedSchema,
  'run-restarted': z.object({
    kind: z.literal('run-restarted'),
    at,
    opening: openedSchema,
  }),
  'attempt-enqueued': z.object({
    kind: z.literal('attempt-enqueued'),
    at,
    attempt: attemptIdSchema,
    shard: shardIdSchema,
    fence: z.int().positive(),
    role: z.enum(attemptRoles),
    selectors: z.array(selectorSchema),
    needs: needsSchema.optional(),
    lane: labelsSchema.optional(),
  }),
  'shard-given-up': z.object({ kind: z.literal('shard-given-up'), at, shard: shardIdSchema, why: z.enum(notRunReasons) }),
  'suite-planned': z.object({
    kind: z.literal('suite-planned'),
    at,
    shards: z.array(shardSchema),
    failureChances: z.record(shardIdSchema, chance),
  }),
  'shard-split': z.object({
    kind: z.literal('shard-split'),
    at,
    shard: shardIdSchema,
    into: z.array(shardSchema),
    byNeeds: z.boolean().optional(),
  }),
  'shard-waits': z.object({ kind: z.literal('shard-waits'), at, shard: shardIdSchema, lacks: needsSchema }),
  'units-claimed': z.object({
    kind: z.literal('units-claimed'),
    at,
    claims: z.array(z.object({ attempt: attemptIdSchema, resources: resourcesSchema })),
  }),
  'units-leased': z.object({
    kind: z.literal('units-leased'),
    at,
    granted: z.array(attemptIdSchema),
    waiting: z.array(attemptIdSchema),
  }),
  'attempt-taken': z.object({ kind: z.literal('attempt-taken'), at, attempt: attemptIdSchema, agent: agentIdSchema }),
  'agent-dismissed': z.object({ kind: z.literal('agent-dismissed'), at, agent: agentIdSchema, why: z.enum(dismissalCauses) }),
  'agent-asked': z.object({ kind: z.literal('agent-asked'), at, agent: agentIdSchema }),
  'agent-lost': z.object({ kind: z.literal('agent-lost'), at, agent: agentIdSchema }),
  'agent-returned': z.object({ kind: z.literal('agent-returned'), at, agent: agentIdSchema }),
  'attempt-lost': z.object({ kind: z.literal('attempt-lost'), at, attempt: attemptIdSchema, agent: agentIdSchema.nullable() }),
  'attempt-cancelled': z.object({ kind: z.literal('attempt-cancelled'), at, attempt: attemptIdSchema, by: z.enum(interruptCauses) }),
  'interrupt-requested': z.object({ kind: z.literal('interrupt-requested'), at, by: z.string() }),
  'redis-lost': z.object({ kind: z.literal('redis-lost'), at, message: z.string() }),
  'redis-emptied': z.object({ kind: z.literal('redis-emptied'), at, isMissing: z.boolean() }),
  'stream-read': streamReadSchema,
  'message-rejected': z.object({
    kind: z.literal('message-rejected'),
    at,
    position: positionSchema,
    agent: agentIdSchema.nullable(),
    why: z.enum(rejectionCauses),
    problem: z.string(),
    from: batchNumberSchema.exactOptional(),
    // Earlier versions did not record it.
    keyId: keyIdSchema.exactOptional(),
  }),
  'run-resumed': z.object({ kind: z.literal('run-resumed'), at }),
  'no-agent-can-come': z.object({ kind: z.literal('no-agent-can-come'), at, message: z.string() }),
  'pool-seen': z.object({
    kind: z.literal('pool-seen'),
    at,
    absences: z.array(z.object({ why: z.enum(absenceCauses), agents: z.int().positive(), example: agentIdSchema })),
  }),
  forecast: z.object({
    kind: z.literal('forecast'),
    at,
    secondsLeft: seconds,
    lateSeconds: seconds.nullable(),
    remedy: z
      .object({
        agents: z.int().nullable(),
        workersPerAgent: z.number().min(0).max(MOST_WORKERS),
        leaveOut: z.object({ files: z.int(), named: z.array(testFileSchema) }),
      })
      .nullable(),
  }),
  tick: z.object({ kind: z.literal('tick'), at }),
  'coverage-combined': z.object({ kind: z.literal('coverage-combined'), at, coverage: reportedCoverageSchema }),
  'run-closed': z.object({ kind: z.literal('run-closed'), at, why: closeReasonSchema }),
};

export const encodeRecord = (event: OwnEvent, origin: Origin, signer: Signer | null = null): string =>
  encodeMessage('record', origin, event, signer);

export interface DecodedRecord {
  readonly seq: number;
  /** In the order in which the run loop took them, by the clock of the coordinator that did. */
  readonly events: readonly CoordinatorEvent[];
  /** The key of the message that the record is about; null for other records, and if the recording coordinator did not require signatures. */
  readonly key: AgentKey | null;
}

/**
 * Decodes a log from its start. All records are of the first one's run, or of the run that it restarted as, and their numbers are
 * consecutive. Rejects with `bad-message`, `newer-version` and `older-version`, with what `verifier` throws, and with the errors of
 * `records`.
 */
export async function* decodeLog(
  records: AsyncIterable<LogRecord> | Iterable<LogRecord>,
  source: string,
  verifier: Verifier = NO_VERIFIER,
): AsyncGenerator<DecodedRecord> {
  let address: RunAddress | null = null;
  let last: number | null = null;
  for await (const record of records) {
    const own = decodeEnvelope(record.own, source);
    address ??= own;
    requireAddress(own, 'record', address, source);
    if (last !== null && own.seq !== last + 1) throw bad(source, `record ${last + 1} is missing`);
    last = own.seq;
    verifier.verify(own, `record ${own.seq} of ${source}`);
    const decoded = decodeRecord(record, own, `record ${own.seq} of ${source}`, verifier.isStrict);
    yield { seq: own.seq, ...decoded };
    // A run restarts under another run id.
    if (decoded.events.some(({ kind }) => kind === 'run-restarted')) address = null;
  }
}

function decodeRecord({ batch }: LogRecord, own: Envelope, source: string, isSigned: boolean): Omit<DecodedRecord, 'seq'> {
  const event = decodeOwn(own, source);
  if ((event.kind === 'stream-read') !== (batch !== null)) throw bad(source, 'a batch and the record that it was read belong together');
  if (event.kind !== 'stream-read' || batch === null) return { events: [event], key: rejectedKey(event) };
  // The coordinator that recorded the batch had verified it, and its record says which batch it was.
  if (isSigned && event.digest !== digestOf(batch.text)) throw bad(source, 'the batch is not the one that was recorded');
  const sent = batchEnvelope(batch.text, own, source);
  const events = eventsIn(sent, source).map((reported) => inTimeOf(reported, -event.aheadMs));
  // Earlier versions did not record the number.
  const read = isSigned && event.from === undefined ? { ...event, from: { agent: agentId(sent.sender), seq: sent.seq } } : event;
  // A coordinator that records no number has not verified the batch.
  return { events: [...events, read], key: event.from === undefined ? null : sent };
}

function rejectedKey(event: OwnEvent): AgentKey | null {
  if (event.kind !== 'message-rejected' || event.from === undefined || event.keyId === undefined) return null;
  return { sender: event.from.agent, keyId: event.keyId, certificate: null };
}

function decodeOwn({ body }: Envelope, source: string): OwnEvent {
  const value = parseJson(body, source);
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : null;
  if (!isOwnKind(kind)) throw bad(source, 'it is not an event of a coordinator');
  return checked<OwnEvent>(ownSchemas[kind], value, source);
}

const isOwnKind = (kind: unknown): kind is OwnEvent['kind'] => typeof kind === 'string' && Object.hasOwn(ownSchemas, kind);

const bad = (source: string, problem: string): ShardlineError => new ShardlineError('bad-message', { source, problem });
