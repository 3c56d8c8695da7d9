// `report.json`, written and read.

import { z } from 'zod';
import { absenceCauses } from '../../domain/fleet/decline.ts';
import { nodeId } from '../../domain/ids.ts';
import { notRunReasons, outcomes, verdicts } from '../../domain/outcome.ts';
import { agentEnds, phases, type Report, type ReportedFingerprint, ratings, rejectionCauses } from '../../domain/report.ts';
import { measureNames } from '../../domain/targets.ts';
import { messageOf, ShardlineError } from '../../errors.ts';
import { reportedCoverageSchema } from '../coverage.ts';
import { agentIdSchema, checked, nodeIdSchema, runIdSchema, shardIdSchema, testFileSchema } from '../parse.ts';
import { filesPrintSchema } from '../suite/fingerprint.ts';
import { lastRunsSchema } from '../suite/timings.ts';
import { originSchema } from './origin.ts';
import { reportedPartSchema } from './part.ts';
import { propertySchema, reportedShownFields } from './shown.ts';

const REPORT_SCHEMA = 1;

const seconds = z.number();
const count = z.int().nonnegative();

const reportedFingerprintSchema: z.ZodType<ReportedFingerprint | null> = z
  .object({
    files: filesPrintSchema.nullable(),
    python: z
      .object({ python: z.string(), platform: z.string(), plugins: z.record(z.string(), z.string()), packagesDigest: z.string() })
      .nullable(),
  })
  .nullable();

const sideSchema = z.object({ agent: agentIdSchema, outcome: z.enum(outcomes) });

const reportSchema: z.ZodType<Report> = z.object({
  schema: z.literal(REPORT_SCHEMA),
  runId: runIdSchema,
  verdict: z.enum(verdicts),
  exitCode: z.int(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  deadline: z.object({ seconds, reserveSeconds: seconds.default(0), met: z.boolean(), overshootSeconds: seconds }).nullable(),
  totals: z.object({
    expected: count,
    passed: count,
    failed: count,
    error: count,
    skipped: count,
    xfailed: count,
    xpassed: count,
    flaky: count,
    notRun: count,
    notRunIsLeast: z.boolean().default(false),
    duplicatesDropped: count,
  }),
  tests: z.array(
    z.object({
      nodeid: nodeIdSchema,
      outcome: z.enum(outcomes),
      flaky: z.boolean(),
      seconds,
      file: testFileSchema,
      line: z.int().nullable(),
      properties: z.array(propertySchema).exactOptional(),
      attempts: z.array(
        z.object({
          agent: agentIdSchema,
          worker: z.string(),
          startedAt: z.iso.datetime(),
          seconds,
          setupSeconds: seconds.exactOptional(),
          teardownSeconds: seconds.exactOptional(),
          outcome: z.enum(outcomes),
          message: z.string().nullable(),
          brief: z.string().nullable().default(null),
          sections: z.array(z.object({ title: z.string(), text: z.string() })),
        }),
      ),
    }),
  ),
  notRun: z.array(
    z.object({
      nodeid: nodeIdSchema,
      kind: z.enum(['file', 'test']),
      tests: count.nullable().default(null),
      reason: z.enum(notRunReasons),
      lacks: z.string().exactOptional(),
      predictedSeconds: seconds,
    }),
  ),
  // A report of an earlier version has one error per file, without a node id.
  collectErrors: z.array(
    z
      .object({ file: testFileSchema, nodeid: nodeIdSchema.exactOptional(), message: z.string() })
      .transform((error) => ({ ...error, nodeid: error.nodeid ?? nodeId(error.file) })),
  ),
  sessionErrors: z.array(z.object({ agent: agentIdSchema, message: z.string() })).default([]),
  textsCut: count.default(0),
  shards: z.array(
    z.object({
      id: shardIdSchema,
      selectors: count,
      predictedSeconds: seconds,
      seconds,
      agent: agentIdSchema.nullable(),
      attempt: count,
      state: z.enum(['done', 'lost', 'split', 'cancelled']),
    }),
  ),
  agents: z.array(
    z.object({
      id: agentIdSchema,
      host: z.string(),
      workers: count,
      tests: count,
      busySeconds: seconds,
      idleSeconds: seconds,
      peakRssBytes: z.number(),
      cpuSeconds: seconds.nullable().default(null),
      ended: z.enum(agentEnds).nullable().default(null),
      why: z.string().nullable().default(null),
      fingerprint: reportedFingerprintSchema.default(null),
      differences: z.array(z.string()).default([]),
    }),
  ),
  origin: originSchema.nullable().default(null),
  absent: z.array(z.object({ why: z.enum(absenceCauses), agents: z.int().positive(), example: agentIdSchema })).default([]),
  rejected: z.array(z.object({ agent: agentIdSchema.nullable(), why: z.enum(rejectionCauses), messages: count })).default([]),
  missingMessages: z.array(z.object({ agent: agentIdSchema, messages: count })).default([]),
  fingerprint: reportedFingerprintSchema.default(null),
  profile: z.object({
    setupSeconds: seconds,
    discoverySeconds: seconds,
    collectionSeconds: seconds,
    executionSeconds: seconds,
    mergeSeconds: seconds,
    makespanSeconds: seconds,
    boundSeconds: seconds,
    efficiency: z.number(),
    cpuUtilization: z.number().nullable(),
    timeToFirstTestSeconds: seconds.nullable(),
    sequentialSeconds: seconds,
    speedup: z.number(),
    secondsPerTest: seconds.nullable().default(null),
    breakdown: z
      .record(z.enum(phases), z.object({ seconds, share: z.number() }))
      .nullable()
      .default(null),
    rating: z.enum(ratings),
  }),
  coverage: reportedCoverageSchema.nullable().default(null),
  part: reportedPartSchema.nullable().default(null),
  partProblems: z.array(z.string()).default([]),
  ...reportedShownFields,
  targets: z
    .array(z.object({ target: z.string(), measure: z.enum(measureNames), value: z.number().nullable(), met: z.boolean() }))
    .nullable()
    .default(null),
  conflicts: z.array(z.object({ nodeid: nodeIdSchema, first: sideSchema, second: sideSchema })).default([]),
  waits: z
    .array(z.object({ shard: shardIdSchema, labels: z.array(z.string()), resources: z.array(z.string()), startedAt: z.string(), seconds }))
    .default([]),
  comparison: z
    .object({
      baseline: z.string(),
      newFailures: z.array(nodeIdSchema),
      fixed: z.array(nodeIdSchema),
      stillFailing: z.array(nodeIdSchema),
      newlySlow: z.array(z.object({ nodeid: nodeIdSchema, beforeSeconds: seconds, seconds })),
      added: z.array(nodeIdSchema),
      vanished: z.array(z.string()),
    })
    .nullable()
    .default(null),
  history: z
    .object({
      unstable: z.array(z.object({ nodeid: nodeIdSchema, lastRuns: lastRunsSchema })),
      slowest: z.array(z.object({ nodeid: nodeIdSchema, seconds, usualSeconds: seconds.nullable() })),
    })
    .nullable()
    .default(null),
  restarted: z.object({ why: z.string(), voidTests: z.int().nonnegative() }).nullable().default(null),
});

/** Characters of one piece of an encoded report. */
const PIECE_CHARS = 1 << 16;

/**
 * The text of `JSON.stringify(report, null, 2)` and a line break, in pieces: the report of a run with long outputs can exceed the maximum
 * length of a string.
 */
export function* encodeReport(report: Report): Generator<string> {
  let piece = '';
  for (const part of partsOf(report)) {
    piece += part;
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

function* partsOf(report: Report): Generator<string> {
  let separator = '{\n';
  for (const [name, value] of Object.entries(report)) {
    if (value === undefined) continue;
    yield `${separator}  ${JSON.stringify(name)}: `;
    separator = ',\n';
    if (Array.isArray(value) && value.length > 0) yield* itemsOf(value);
    else yield indented(value, 2);
  }
  yield '\n}\n';
}

function* itemsOf(items: readonly unknown[]): Generator<string> {
  let separator = '[\n';
  for (const item of items) {
    yield `${separator}    ${indented(item, 4)}`;
    separator = ',\n';
  }
  yield '\n  ]';
}

/** A line break in JSON text is never part of a string. */
const indented = (value: unknown, spaces: number): string => JSON.stringify(value, null, 2).replaceAll('\n', `\n${' '.repeat(spaces)}`);

/** Throws `bad-message`, and `newer-version` for a schema above 1. */
export function decodeReport(text: string, source: string): Report {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw new ShardlineError('bad-message', { source, problem: messageOf(thrown) }, { cause: thrown });
  }
  if (typeof value === 'object' && value !== null && 'schema' in value && Number(value.schema) > REPORT_SCHEMA) {
    throw new ShardlineError('newer-version', { found: Number(value.schema), known: REPORT_SCHEMA });
  }
  return checked(reportSchema, value, source);
}
