// Encodes and decodes one line of `events.ndjson`. A journal may come from another machine, so every line is validated like a message.

import { z } from 'zod';
import { attemptRoles, interruptCauses } from '../../shared/domain/attempt.ts';
import type { RunEvent } from '../../shared/domain/events.ts';
import { orders } from '../../shared/domain/order.ts';
import { notRunReasons } from '../../shared/domain/outcome.ts';
import type { Shard } from '../../shared/domain/shard.ts';
import { messageOf, ShardlineError } from '../../shared/errors.ts';
import { selectorSchema } from '../../shared/wire/attempt.ts';
import { coverageOptionsSchema, reportedCoverageSchema } from '../../shared/wire/coverage.ts';
import { WIRE_VERSION } from '../../shared/wire/envelope.ts';
import { runEventSchema } from '../../shared/wire/events.ts';
import { pythonPrintSchema } from '../../shared/wire/fingerprint.ts';
import { agentIdSchema, attemptIdSchema, checked, nodeIdSchema, shardIdSchema, testFileSchema } from '../../shared/wire/parse.ts';
import { runCacheSchema } from '../../shared/wire/pytest-cache.ts';
import { specSchema } from '../../shared/wire/run-spec.ts';
import { unitKinds } from '../core/plan/affinity.ts';
import type { CloseReason, CoordinatorEvent } from '../core/state/events.ts';
import { dismissalCauses } from '../core/state/events.ts';

const at = z.number();
const seconds = z.number().nonnegative();

type OwnKind = Exclude<CoordinatorEvent['kind'], RunEvent['kind']>;
type OwnSchemas = { readonly [Kind in OwnKind]: z.ZodType<Extract<CoordinatorEvent, { kind: Kind }>> };

const closeReasonSchema: z.ZodType<CloseReason> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('done') }),
  z.object({ kind: z.literal('stopped'), notRun: z.enum(notRunReasons), by: z.enum(interruptCauses) }),
]);

const shardSchema: z.ZodType<Shard> = z.object({
  id: shardIdSchema,
  selectors: z.array(selectorSchema),
  predictedSeconds: seconds,
  runsLast: z.boolean().optional(),
});

const openedSchema: OwnSchemas['run-opened'] = z.object({
  kind: z.literal('run-opened'),
  at,
  startedAt: z.number(),
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
      z.object({ kind: z.literal('percent'), percent: z.number().nonnegative() }),
    ]),
  }),
  flakyFails: z.boolean(),
  waitAgentSeconds: seconds,
  deadline: z.object({ seconds, reserveSeconds: seconds }).nullable(),
  affinity: z.object({ unit: z.enum(unitKinds), together: z.array(z.array(testFileSchema)) }),
  speculate: z.boolean(),
  order: z.enum(orders).nullable(),
  failureChances: z.record(shardIdSchema, z.number()),
  digests: z.record(testFileSchema, z.string()),
  failedWhole: z.array(nodeIdSchema).default([]),
  acceptsNoTests: z.boolean().default(false),
  junitXml: z.string().nullable().default(null),
  knownTests: z.record(z.string(), z.int().positive()).default({}),
  // Runs of an earlier version combined no coverage.
  coverage: coverageOptionsSchema.nullable().default(null),
  cache: runCacheSchema.nullable().default(null),
  python: pythonPrintSchema.nullable().default(null),
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
  }),
  'shard-given-up': z.object({ kind: z.literal('shard-given-up'), at, shard: shardIdSchema, why: z.enum(notRunReasons) }),
  'suite-planned': z.object({
    kind: z.literal('suite-planned'),
    at,
    shards: z.array(shardSchema),
    failureChances: z.record(shardIdSchema, z.number()),
  }),
  'shard-split': z.object({ kind: z.literal('shard-split'), at, shard: shardIdSchema, into: z.array(shardSchema) }),
  'attempt-taken': z.object({ kind: z.literal('attempt-taken'), at, attempt: attemptIdSchema, agent: agentIdSchema }),
  'agent-dismissed': z.object({ kind: z.literal('agent-dismissed'), at, agent: agentIdSchema, why: z.enum(dismissalCauses) }),
  'agent-lost': z.object({ kind: z.literal('agent-lost'), at, agent: agentIdSchema }),
  'agent-returned': z.object({ kind: z.literal('agent-returned'), at, agent: agentIdSchema }),
  'attempt-lost': z.object({ kind: z.literal('attempt-lost'), at, attempt: attemptIdSchema, agent: agentIdSchema.nullable() }),
  'attempt-cancelled': z.object({ kind: z.literal('attempt-cancelled'), at, attempt: attemptIdSchema, by: z.enum(interruptCauses) }),
  'interrupt-requested': z.object({ kind: z.literal('interrupt-requested'), at, by: z.string() }),
  'redis-lost': z.object({ kind: z.literal('redis-lost'), at, message: z.string() }),
  'redis-emptied': z.object({ kind: z.literal('redis-emptied'), at, isMissing: z.boolean() }),
  'stream-read': z.object({ kind: z.literal('stream-read'), at, position: z.string().regex(/^\d+-\d+$/) }),
  'run-resumed': z.object({ kind: z.literal('run-resumed'), at }),
  'no-agent-can-come': z.object({ kind: z.literal('no-agent-can-come'), at, message: z.string() }),
  forecast: z.object({
    kind: z.literal('forecast'),
    at,
    secondsLeft: seconds,
    lateSeconds: seconds.nullable(),
    remedy: z
      .object({
        agents: z.int().nullable(),
        workersPerAgent: z.number(),
        leaveOut: z.object({ files: z.int(), named: z.array(testFileSchema) }),
      })
      .nullable(),
  }),
  tick: z.object({ kind: z.literal('tick'), at }),
  'coverage-combined': z.object({ kind: z.literal('coverage-combined'), at, coverage: reportedCoverageSchema }),
  'run-closed': z.object({ kind: z.literal('run-closed'), at, why: closeReasonSchema }),
};

export const encodeLine = (event: CoordinatorEvent): string => `${JSON.stringify({ version: WIRE_VERSION, ...event })}\n`;

/** Throws `bad-message`, `newer-version` and `older-version`. */
export function decodeLine(line: string, source: string): CoordinatorEvent {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (thrown) {
    throw new ShardlineError('bad-message', { source, problem: messageOf(thrown) }, { cause: thrown });
  }
  if (typeof value !== 'object' || value === null || !('version' in value) || !('kind' in value)) {
    throw new ShardlineError('bad-message', { source, problem: 'it is not an event' });
  }
  const { version, ...event } = value;
  if (Number(version) > WIRE_VERSION) throw new ShardlineError('newer-version', { found: Number(version), known: WIRE_VERSION });
  if (version !== WIRE_VERSION) throw new ShardlineError('older-version', { source, found: Number(version), known: WIRE_VERSION });
  return checked<CoordinatorEvent>(isOwnKind(event.kind) ? ownSchemas[event.kind] : runEventSchema, event, source);
}

const isOwnKind = (kind: unknown): kind is OwnKind => typeof kind === 'string' && Object.hasOwn(ownSchemas, kind);
