// Validates the records of a measured pytest, line by line. plugin/lib/shardline_pytest/measurement.py writes them.

import { z } from 'zod';
import type { MeasureRecord } from '../domain/measuring.ts';
import { outcomes } from '../domain/outcome.ts';
import { checked, nodeIdSchema, testFileSchema } from '../wire/parse.ts';

const at = z.number();
const seconds = z.number().nonnegative();
const bytes = z.number().nonnegative();

const recordSchema: z.ZodType<MeasureRecord> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('opened'), at, rootdir: z.string(), workers: z.int().nonnegative(), dist: z.string() }),
  z.object({ kind: z.literal('collection-began'), at }),
  z.object({ kind: z.literal('file-collected'), at, file: testFileSchema, seconds }),
  z.object({ kind: z.literal('not-collected'), at, file: z.string() }),
  z.object({ kind: z.literal('collection-ended'), at }),
  z.object({ kind: z.literal('test-began'), at, nodeid: nodeIdSchema }),
  z.object({
    kind: z.literal('test-ended'),
    at,
    nodeid: nodeIdSchema,
    line: z.int().nullable(),
    isSerial: z.boolean(),
    outcome: z.enum(outcomes),
    fileSeconds: seconds,
    sessionSeconds: seconds,
  }),
  z.object({ kind: z.literal('crashed'), at, nodeid: nodeIdSchema }),
  z.object({ kind: z.literal('fixture'), at, name: z.string(), scope: z.string(), file: z.string(), seconds, count: z.int() }),
  z.object({ kind: z.literal('usage'), at, cpuSeconds: seconds, peakRssBytes: bytes, rssBytes: bytes }),
  z.object({ kind: z.literal('finishing'), at }),
]);

/** Parses the records of one process. Drops an unterminated last line, which a killed process leaves. Throws `bad-message`. */
export function parseMeasureRecords(text: string, source: string): readonly MeasureRecord[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => checked(recordSchema, parsed(line), source));
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // The schema rejects a plain string, so invalid JSON becomes a `bad-message` too.
    return line;
  }
}
