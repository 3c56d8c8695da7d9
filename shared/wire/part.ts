// Parts of a suite, as run logs and reports have them.

import { z } from 'zod';
import type { ReportedPart, SuitePart } from '../domain/part.ts';
import { collectChoices } from '../domain/suite-list.ts';
import { testFileSchema } from './parse.ts';

const fields = {
  index: z.int().positive(),
  total: z.int().positive(),
  attempt: z.int().positive(),
  digest: z.string(),
  pytestArgs: z.array(z.string()),
  collect: z.enum(collectChoices),
  files: z.array(testFileSchema),
  own: z.array(testFileSchema),
};

export const suitePartSchema: z.ZodType<SuitePart> = z.object(fields);
export const reportedPartSchema: z.ZodType<ReportedPart> = z.object({ ...fields, acceptsNoTests: z.boolean() });
