// The format of a suite's list of tests on a run's stream.

import { z } from 'zod';
import { type Load, listOrders, type SuiteList } from '../../domain/suite/suite-list.ts';
import { testNeedsSchema } from '../attempt.ts';
import { nodeIdSchema, testFileSchema } from '../parse.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

export const loadSchema: z.ZodType<Load> = z.object({ file: testFileSchema.nullable(), modules: z.array(z.string()) });

export const suiteListSchema: z.ZodType<SuiteList> = z.object({
  hash: digest,
  order: z.enum(listOrders),
  why: z.string().nullable(),
  tail: z.int().nonnegative().nullable(),
  bound: z.array(testFileSchema),
  others: z.array(testFileSchema),
  failed: z.array(testFileSchema),
  proof: z
    .object({
      problems: z.array(z.string()),
      digests: z.array(z.tuple([testFileSchema, digest])),
      loads: z.array(loadSchema).default([]),
    })
    .nullable(),
  needs: testNeedsSchema.optional(),
  stepwiseCount: z.int().nonnegative().nullable().optional(),
  groups: z.array(z.object({ file: testFileSchema, nodeids: z.array(nodeIdSchema) })),
});
