// What a measured pytest tells, line by line, checked once. Written by plugin/lib/shardline_pytest/measurement.py.

import { z } from 'zod';
import { outcomes } from '../domain/outcome.ts';
import { checked, nodeIdSchema, testFileSchema } from '../wire/parse.ts';
import type { MeasureRecord } from './measuring.ts';

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

/** What one process wrote. A last line that was not finished, as the process was killed, is left out. Throws `bad-message`. */
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
    // What is no JSON fits no schema: told as such.
    return line;
  }
}
