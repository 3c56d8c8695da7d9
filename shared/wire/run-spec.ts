// The format of a run's announcement to a pool.

import { z } from 'zod';
import { isCommitId, isInnerDirectory, isRepositoryAddress, type RunSource } from '../domain/run-source.ts';
import { PRIORITY, type RunSpec, relays } from '../domain/run-spec.ts';
import { fingerprintPolicies } from '../domain/suite/fingerprint.ts';
import { collectChoices } from '../domain/suite/suite-list.ts';
import { ShardlineError } from '../errors.ts';
import { COORDINATOR, decodeMessage, encodeMessage, type Reader, type RunAddress } from './envelope.ts';
import { instantSchema } from './limits.ts';
import { listOf, runIdSchema } from './parse.ts';
import type { Signer } from './signature.ts';
import { filesPrintSchema } from './suite/fingerprint.ts';
import { cacheValuesSchema } from './suite/pytest-cache.ts';

const sourceSchema: z.ZodType<RunSource> = z.object({
  repository: z.string().refine(isRepositoryAddress, 'must be the address of a repository'),
  commit: z.string().refine(isCommitId, 'must be a full commit id'),
  directory: z.string().refine(isInnerDirectory, 'must be a path inside the repository'),
});

export const specSchema: z.ZodType<RunSpec> = z.object({
  runId: runIdSchema,
  pool: z.string(),
  collect: z.enum(collectChoices),
  pytestArgs: listOf(z.string()),
  // Runs of an earlier version sent none.
  cache: cacheValuesSchema.nullable().default(null),
  harmless: listOf(z.string()),
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
  // Runs of an earlier version sent none.
  source: sourceSchema.nullish(),
  unitsIn: z.string().optional(),
  openedAt: instantSchema,
  expiresAt: instantSchema.exactOptional(),
  // Runs of an earlier version sent none.
  priority: z.int().min(PRIORITY.least).max(PRIORITY.most).default(0),
  drain: z.object({ at: instantSchema, interruptMs: instantSchema, killMs: instantSchema }).nullable(),
});

export const addressOf = ({ pool, runId }: RunSpec): RunAddress => ({ pool, run: runId });

export const encodeSpec = (spec: RunSpec, signer: Signer | null = null): string =>
  encodeMessage('spec', { ...addressOf(spec), sender: COORDINATOR, seq: 0, epoch: 0 }, spec, signer);

/** Throws what `decodeMessage` throws. */
export function decodeSpec(text: string, reader: Reader, source: string): RunSpec {
  const spec = decodeMessage('spec', specSchema, text, reader, source);
  if (spec.runId === reader.run && spec.pool === reader.pool) return spec;
  throw new ShardlineError('bad-message', { source, problem: `it is the spec of run ${spec.runId} of pool ${spec.pool}` });
}
