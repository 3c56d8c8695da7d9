// The format of a suite's list of tests on a run's stream.

import { z } from 'zod';
import { type Load, listOrders, type SuiteList } from '../../domain/suite/suite-list.ts';
import { testNeedsSchema } from '../attempt.ts';
import { listOf, nodeIdSchema, testFileSchema } from '../parse.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

export const loadSchema: z.ZodType<Load> = z.object({ file: testFileSchema.nullable(), modules: listOf(z.string()) });

export const suiteListSchema: z.ZodType<SuiteList> = z.object({
  hash: digest,
  order: z.enum(listOrders),
  why: z.string().nullable(),
  tail: z.int().nonnegative().nullable(),
  bound: listOf(testFileSchema),
  others: listOf(testFileSchema),
  failed: listOf(testFileSchema),
  proof: z
    .object({
      problems: listOf(z.string()),
      digests: listOf(z.tuple([testFileSchema, digest])),
      loads: listOf(loadSchema).default([]),
    })
    .nullable(),
  needs: testNeedsSchema.optional(),
  stepwiseCount: z.int().nonnegative().nullable().optional(),
  groups: listOf(z.object({ file: testFileSchema, nodeids: listOf(nodeIdSchema) })),
});
