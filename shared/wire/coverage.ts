// The format of coverage in agents' events and in the run log.

import { z } from 'zod';
import { COVERAGE_LIMITS, type CoverageOptions, type KeptCoverage, type ReportedCoverage } from '../domain/coverage.ts';
import { agentIdSchema, attemptIdSchema, listOf, testFileSchema } from './parse.ts';

/** A path that is only compared with others. coverage.py must not interpret it as a pattern. */
const prefix = z
  .string()
  .max(4096)
  .regex(/^\/[^\0\n]*$/);

export const keptCoverageSchema: z.ZodType<KeptCoverage> = z.object({
  agent: agentIdSchema,
  origin: z.object({ workspace: prefix, packages: prefix }),
  parts: listOf(
    z.object({
      part: z.int().positive(),
      chunks: z.int().positive().max(COVERAGE_LIMITS.chunks),
      digest: z.string().max(64).exactOptional(),
    }),
  ),
  attempts: listOf(attemptIdSchema),
  lost: listOf(attemptIdSchema),
  problem: z.string().nullable(),
});

export const coverageOptionsSchema: z.ZodType<CoverageOptions> = z.object({
  source: listOf(z.string()).nullable(),
  config: z.string(),
  branch: z.boolean().nullable(),
  append: z.boolean(),
  reports: z.record(z.string(), z.string().nullable()),
  failUnder: z.number().nullable(),
  precision: z.int().nonnegative(),
  notOnFail: z.boolean(),
});

export const reportedCoverageSchema: z.ZodType<ReportedCoverage> = z.object({
  percent: z.number().nullable(),
  failUnder: z.number().nullable(),
  isMet: z.boolean().nullable(),
  missing: listOf(z.object({ file: testFileSchema, agent: agentIdSchema })),
  problems: listOf(z.string()),
  warnings: listOf(z.string()),
});
