// The format of durations from earlier runs: in Redis one entry per file, and in a timings file all of them. They come from agents'
// reports: an impossible duration is not written, and if one was written it is dropped when read, because durations change no outcome.

import { z } from 'zod';
import type { NodeId, TestFile } from '../../domain/ids.ts';
import type { Needs } from '../../domain/needs.ts';
import { type FileTiming, KEPT_RUNS, type LastRuns, type Timings } from '../../domain/suite/timings.ts';
import { needsSchema } from '../attempt.ts';
import { LONGEST_SECONDS } from '../limits.ts';
import { nodeIdSchema, parseVersioned, testFileSchema } from '../parse.ts';

/** Version 3 added how tests ended in their last runs. */
const TIMINGS_VERSION = 3;
const version = z.union([z.literal(1), z.literal(2), z.literal(TIMINGS_VERSION)]);

const seconds = z.number().min(0).max(LONGEST_SECONDS);
export const lastRunsSchema = z
  .string()
  .max(KEPT_RUNS)
  .regex(/^[PFRS]+$/);
const fileSchema = z.object({
  seconds,
  collectSeconds: seconds,
  fixtureSeconds: seconds.default(0),
  tests: z.array(z.tuple([nodeIdSchema, seconds])),
  lastRuns: z.array(z.tuple([nodeIdSchema, lastRunsSchema])).default([]),
  needs: z.array(z.tuple([nodeIdSchema, needsSchema])).default([]),
});
const entrySchema = z.object({ version, timing: fileSchema });
/** Checks only the outer form of a timings file; its entries are checked one by one. */
const looseFilesSchema = z.object({ version, files: z.array(z.unknown()) });
const entryOfFilesSchema = z.tuple([testFileSchema, fileSchema]);

type EncodedFile = z.infer<typeof fileSchema>;

const encodeFile = (timing: FileTiming): EncodedFile => ({
  ...timing,
  tests: [...timing.tests],
  lastRuns: [...timing.lastRuns],
  needs: [...(timing.needs ?? [])],
});
const decodeFile = ({ needs, ...encoded }: EncodedFile): FileTiming => ({
  ...encoded,
  tests: new Map<NodeId, number>(encoded.tests),
  lastRuns: new Map<NodeId, LastRuns>(encoded.lastRuns),
  ...(needs.length === 0 ? {} : { needs: new Map<NodeId, Needs>(needs) }),
});

export const encodeFileTiming = (timing: FileTiming): string => JSON.stringify({ version: TIMINGS_VERSION, timing: encodeFile(timing) });

/** Durations without the entries that have impossible values, and the number of these. */
export interface SoundTimings {
  readonly timings: Timings;
  readonly dropped: number;
}

export function storable(timings: Timings): SoundTimings {
  const sound = new Map([...timings].filter(([, timing]) => fileSchema.safeParse(encodeFile(timing)).success));
  return { timings: sound, dropped: timings.size - sound.size };
}

/** Throws `bad-message` and `newer-version`. */
export const decodeFileTiming = (text: string, source: string): FileTiming =>
  decodeFile(parseVersioned(entrySchema, text, source, TIMINGS_VERSION).timing);

export function encodeTimings(timings: Timings): string {
  const files = [...timings].map(([file, timing]) => [file, encodeFile(timing)]);
  return `${JSON.stringify({ version: TIMINGS_VERSION, files })}\n`;
}

/** Throws `bad-message` if the text has another form, and `newer-version`. */
export function decodeTimings(text: string, source: string): SoundTimings {
  const loose = parseVersioned(looseFilesSchema, text, source, TIMINGS_VERSION);
  const entries = loose.files.map((entry) => entryOfFilesSchema.safeParse(entry));
  const timings = new Map<TestFile, FileTiming>(
    entries.flatMap(({ success, data }) => (success ? [[data[0], decodeFile(data[1])] as const] : [])),
  );
  return { timings, dropped: entries.filter(({ success }) => !success).length };
}

/** The key of one entry, with the same check as in a timings file. Returns null for a name that no test file can have. */
export function decodeTimedFile(name: string): TestFile | null {
  const result = testFileSchema.safeParse(name);
  return result.success ? result.data : null;
}
