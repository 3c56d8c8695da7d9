// Durations from earlier runs, as they stand in Redis (one entry a file) and in a timings file (all of them). They come from what agents report: an
// impossible one is not written, and one that was written all the same is dropped, because durations change no outcome.

import { z } from 'zod';
import type { NodeId, TestFile } from '../domain/ids.ts';
import type { FileTiming, History } from '../domain/timings.ts';
import { nodeIdSchema, parseVersioned, testFileSchema } from './parse.ts';

/** Since version 2 with the tests that failed of late. */
const TIMINGS_VERSION = 2;
const version = z.union([z.literal(1), z.literal(TIMINGS_VERSION)]);

/** About 116 days: no test file takes longer, and sums of such values stay exact. */
const LONGEST_SECONDS = 1e7;
const seconds = z.number().min(0).max(LONGEST_SECONDS);
const fileSchema = z.object({
  seconds,
  collectSeconds: seconds,
  fixtureSeconds: seconds.default(0),
  tests: z.array(z.tuple([nodeIdSchema, seconds])),
  failing: z.array(z.tuple([nodeIdSchema, z.number().min(0).max(1)])).default([]),
});
const entrySchema = z.object({ version, timing: fileSchema });
const startSchema = z.object({ version, startSeconds: seconds });
/** Of a timings file only the form: its entries are checked one by one. */
const looseHistorySchema = z.object({ version, startSeconds: z.unknown().optional(), files: z.array(z.unknown()) });
const entryOfHistorySchema = z.tuple([testFileSchema, fileSchema]);

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

/** The part of a history that may be stored, and how many of its entries hold impossible values. */
export function storable({ startSeconds, files }: History): { readonly history: History; readonly dropped: number } {
  const sound = new Map([...files].filter(([, timing]) => fileSchema.safeParse(encodeFile(timing)).success));
  const start = seconds.nullable().safeParse(startSeconds);
  const dropped = files.size - sound.size + (start.success ? 0 : 1);
  return { history: { startSeconds: start.success ? start.data : null, files: sound }, dropped };
}

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

/** All that can be used, and how many entries cannot. Throws `bad-message` for what is no history at all, and `newer-version`. */
export function decodeHistory(text: string, source: string): { readonly history: History; readonly dropped: number } {
  const loose = parseVersioned(looseHistorySchema, text, source, TIMINGS_VERSION);
  const entries = loose.files.map((entry) => entryOfHistorySchema.safeParse(entry));
  const files = new Map<TestFile, FileTiming>(
    entries.flatMap(({ success, data }) => (success ? [[data[0], decodeFile(data[1])] as const] : [])),
  );
  const start = seconds.nullable().default(null).safeParse(loose.startSeconds);
  const dropped = entries.filter(({ success }) => !success).length + (start.success ? 0 : 1);
  return { history: { startSeconds: start.success ? start.data : null, files }, dropped };
}

/** One entry's key: the same check as a file inside a timings file. Null for a name that no test file can have. */
export function decodeTimedFile(name: string): TestFile | null {
  const result = testFileSchema.safeParse(name);
  return result.success ? result.data : null;
}
