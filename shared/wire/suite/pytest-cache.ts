// The format of pytest's cache: in the announcement of a run, in its log, and in the result of discovery.

import { z } from 'zod';
import type { CacheValues, FoundCache, RunCache, StepwiseValue } from '../../domain/suite/pytest-cache.ts';
import { listOf, testFileSchema } from '../parse.ts';

export const stepwiseValueSchema: z.ZodType<StepwiseValue> = z.union([
  z.null(),
  z.string(),
  z.object({ last_failed: z.string().nullable(), last_test_count: z.int().nonnegative().nullable(), last_cache_date_str: z.string() }),
]);

export const cacheValuesSchema: z.ZodType<CacheValues> = z.object({
  lastfailed: listOf(z.string()),
  nodeids: listOf(z.string()),
  stepwise: stepwiseValueSchema,
});

const place = {
  directory: z.string(),
  stepwise: z.object({ skip: z.boolean(), reset: z.boolean() }).nullable(),
};

export const foundCacheSchema: z.ZodType<FoundCache> = z.object({ ...place, isUsed: z.boolean() });

export const runCacheSchema: z.ZodType<RunCache> = z.object({ ...place, pytest: z.string(), files: listOf(testFileSchema) });
