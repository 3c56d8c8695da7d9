// Durations from earlier runs, as they stand in Redis (one entry a file) and in a timings file (all of them).

import { z } from 'zod';
import type { NodeId, TestFile } from '../ids.ts';
import type { FileTiming, History } from '../timings.ts';
import { nodeIdSchema, parseVersioned, testFileSchema } from './parse.ts';

/** Since version 2 with the tests that failed of late. */
const TIMINGS_VERSION = 2;
const version = z.union([z.literal(1), z.literal(TIMINGS_VERSION)]);

const seconds = z.number().nonnegative();
const fileSchema = z.object({
  seconds,
  collectSeconds: seconds,
  fixtureSeconds: seconds.default(0),
  tests: z.array(z.tuple([nodeIdSchema, seconds])),
  failing: z.array(z.tuple([nodeIdSchema, z.number().min(0).max(1)])).default([]),
});
const entrySchema = z.object({ version, timing: fileSchema });
const startSchema = z.object({ version, startSeconds: seconds });
const historySchema = z.object({
  version,
  startSeconds: seconds.nullable().default(null),
  files: z.array(z.tuple([testFileSchema, fileSchema])),
});

type EncodedFile = z.infer<typeof fileSchema>;

const encodeFile = (timing: FileTiming): EncodedFile => ({
  ...timing,
  tests: [...timing.tests],
  failing: [...timing.failing],
});
const decodeFile = (encoded: EncodedFile): FileTiming => ({
  ...encoded,
  tests: new Map<NodeId, number>(encoded.tests),
  failing: new Map<NodeId, number>(encoded.failing),
});

export const encodeFileTiming = (timing: FileTiming): string => JSON.stringify({ version: TIMINGS_VERSION, timing: encodeFile(timing) });

/** Throws `bad-message` and `newer-version`. */
export const decodeFileTiming = (text: string, source: string): FileTiming =>
  decodeFile(parseVersioned(entrySchema, text, source, TIMINGS_VERSION).timing);

/** The name of the entry for what is known of starts: no test file can have it. */
export const START_ENTRY = '/start';

export const encodeStart = (startSeconds: number): string => JSON.stringify({ version: TIMINGS_VERSION, startSeconds });

/** Throws `bad-message` and `newer-version`. */
export const decodeStart = (text: string, source: string): number =>
  parseVersioned(startSchema, text, source, TIMINGS_VERSION).startSeconds;

export function encodeHistory({ startSeconds, files }: History): string {
  const encoded = [...files].map(([file, timing]) => [file, encodeFile(timing)]);
  return `${JSON.stringify({ version: TIMINGS_VERSION, startSeconds, files: encoded })}\n`;
}

/** Throws `bad-message` and `newer-version`. */
export function decodeHistory(text: string, source: string): History {
  const { startSeconds, files } = parseVersioned(historySchema, text, source, TIMINGS_VERSION);
  return { startSeconds, files: new Map<TestFile, FileTiming>(files.map(([file, timing]) => [file, decodeFile(timing)])) };
}

/** One entry's key: the same check as a file inside a timings file. Null for a name that no test file can have. */
export function decodeTimedFile(name: string): TestFile | null {
  const result = testFileSchema.safeParse(name);
  return result.success ? result.data : null;
}
