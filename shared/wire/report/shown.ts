// The format, in messages and in files, of what pytest shows besides results.

import { z } from 'zod';
import type { AskedFor, CountedWarning, Property, ReportedWarning, Shown, ShownSection } from '../../domain/shown.ts';
import { agentIdSchema, listOf, nodeIdSchema, testFileSchema } from '../parse.ts';

const count = z.int().positive();
const warning = { category: z.string(), message: z.string(), file: z.string(), line: z.int().nonnegative(), count };

export const countedWarningSchema: z.ZodType<CountedWarning> = z.object(warning);

export const propertySchema: z.ZodType<Property> = z.object({ name: z.string(), value: z.string() });

export const shownSectionSchema: z.ZodType<ShownSection> = z.object({ title: z.string(), text: z.string() });

export const askedForSchema: z.ZodType<AskedFor> = z.object({
  outcomes: z.string(),
  durations: z.int().nonnegative().nullable(),
  leastSeconds: z.number(),
});

export const shownSchema: z.ZodType<Shown> = z.object({
  header: z.object({ lines: listOf(z.string()), asked: askedForSchema }).nullable(),
  sections: listOf(shownSectionSchema),
  warnings: listOf(z.object({ nodeid: nodeIdSchema.nullable(), warning: countedWarningSchema })),
  deselected: listOf(z.object({ file: testFileSchema, count })),
});

const reportedWarningSchema: z.ZodType<ReportedWarning> = z.object({
  ...warning,
  places: listOf(z.object({ place: z.string(), count })),
});

/** The corresponding fields of a report; a report of an earlier version has none of them. */
export const reportedShownFields = {
  warnings: listOf(reportedWarningSchema).default([]),
  deselected: z.int().nonnegative().default(0),
  sessions: listOf(z.object({ agent: agentIdSchema, header: listOf(z.string()), sections: listOf(shownSectionSchema) })).default([]),
  asked: askedForSchema.nullable().default(null),
};
