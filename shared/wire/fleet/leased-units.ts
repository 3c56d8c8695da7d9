// The format of the units that a run has claimed, in Redis.

import { z } from 'zod';
import type { RunUnits } from '../../domain/leased-units.ts';
import { limitsSchema, resourcesSchema } from '../attempt.ts';
import { instantSchema } from '../limits.ts';
import { attemptIdSchema, listOf, parseVersioned } from '../parse.ts';

const UNITS_VERSION = 1;

const unitsSchema: z.ZodType<{ readonly version: number; readonly units: RunUnits }> = z.object({
  version: z.literal(UNITS_VERSION),
  units: z.object({
    epoch: instantSchema,
    until: instantSchema,
    limits: limitsSchema,
    claims: listOf(z.object({ attempt: attemptIdSchema, resources: resourcesSchema, since: instantSchema, isGranted: z.boolean() })),
  }),
});

export const encodeUnits = (units: RunUnits): string => JSON.stringify({ version: UNITS_VERSION, units });

/** Throws `bad-message` and `newer-version`. */
export const decodeUnits = (text: string, source: string): RunUnits => parseVersioned(unitsSchema, text, source, UNITS_VERSION).units;
