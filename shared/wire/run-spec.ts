// The format of a run's announcement to a pool.

import { z } from 'zod';
import { fingerprintPolicies } from '../domain/fingerprint.ts';
import { type RunSpec, relays } from '../domain/run-spec.ts';
import { collectChoices } from '../domain/suite-list.ts';
import { filesPrintSchema } from './fingerprint.ts';
import { parseVersioned, runIdSchema } from './parse.ts';
import { cacheValuesSchema } from './pytest-cache.ts';

const SPEC_VERSION = 2;

export const specSchema: z.ZodType<RunSpec> = z.object({
  version: z.literal(SPEC_VERSION),
  runId: runIdSchema,
  pool: z.string(),
  collect: z.enum(collectChoices),
  pytestArgs: z.array(z.string()),
  // Runs of an earlier version sent none.
  cache: cacheValuesSchema.nullable().default(null),
  harmless: z.array(z.string()),
  serialMarker: z.string(),
  stopsItself: z.boolean(),
  testTimeoutSeconds: z.number().positive().nullable(),
  relay: z.enum(relays),
  maxWorkerBytes: z.int().nonnegative(),
  maxWorkerFiles: z.int().nonnegative(),
  mayMiss: z.boolean().optional(),
  maxfail: z.int().nonnegative(),
  fingerprintPolicy: z.enum(fingerprintPolicies).default('off'),
  files: filesPrintSchema.nullable().default(null),
  openedAt: z.number(),
  drain: z.object({ at: z.number(), interruptMs: z.number().nonnegative(), killMs: z.number().nonnegative() }).nullable(),
});

export const encodeSpec = (spec: RunSpec): string => JSON.stringify(spec);

/** Throws `bad-message` and `newer-version`. */
export const decodeSpec = (text: string, source: string): RunSpec => parseVersioned(specSchema, text, source, SPEC_VERSION);
