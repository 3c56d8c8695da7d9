// Parts of a suite, as run logs and reports have them.

import { z } from 'zod';
import type { Division, ReportedPart, SuitePart } from '../../domain/part.ts';
import { fingerprintPolicies } from '../../domain/suite/fingerprint.ts';
import { collectChoices } from '../../domain/suite/suite-list.ts';
import { parseVersioned, testFileSchema } from '../parse.ts';

const fields = {
  index: z.int().positive(),
  total: z.int().positive(),
  attempt: z.int().positive(),
  digest: z.string(),
  pytestArgs: z.array(z.string()),
  addopts: z.string().default(''),
  collect: z.enum(collectChoices),
  files: z.array(testFileSchema),
  own: z.array(testFileSchema),
};

export const suitePartSchema: z.ZodType<SuitePart> = z.object(fields);
export const reportedPartSchema: z.ZodType<ReportedPart> = z.object({
  ...fields,
  acceptsNoTests: z.boolean(),
  flakyFails: z.boolean().default(false),
  fingerprintPolicy: z.enum(fingerprintPolicies).default('strict'),
  list: z.object({ tests: z.int().nonnegative(), digest: z.string() }).nullable().default(null),
});

const DIVISION_VERSION = 1;

const divisionSchema: z.ZodType<Division & { readonly version: number }> = z
  .object({
    version: z.literal(DIVISION_VERSION),
    pytestArgs: fields.pytestArgs,
    addopts: fields.addopts,
    collect: fields.collect,
    parts: z.array(z.array(testFileSchema)).min(1),
  })
  .refine(({ parts }) => new Set(parts.flat()).size === parts.flat().length, 'a file is in more than one part');

export const encodeDivision = ({ pytestArgs, addopts, collect, parts }: Division): string =>
  `${JSON.stringify({ version: DIVISION_VERSION, pytestArgs, addopts, collect, parts }, null, 1)}\n`;

/** Throws `bad-message` and `newer-version`. */
export const decodeDivision = (text: string, source: string): Division => parseVersioned(divisionSchema, text, source, DIVISION_VERSION);
