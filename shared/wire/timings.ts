// The format of durations from earlier runs: in Redis one entry per file, and in a timings file all of them. They come from agents'
// reports: an impossible duration is not written, and if one was written it is dropped when read, because durations change no outcome.

import { z } from 'zod';
import type { NodeId, TestFile } from '../domain/ids.ts';
import type { FileTiming, History } from '../domain/timings.ts';
import { nodeIdSchema, parseVersioned, testFileSchema } from './parse.ts';

/** Version 2 added the recently failed tests. */
const TIMINGS_VERSION = 2;
const version = z.union([z.literal(1), z.literal(TIMINGS_VERSION)]);

/** About 116 days, in seconds. No test file takes longer, and sums of such values stay exact. */
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
/** Checks only the outer form of a timings file; its entries are checked one by one. */
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

/** The valid part of a history, and the number of dropped entries with impossible values. */
export function storable({ startSeconds, files }: History): { readonly history: History; readonly dropped: number } {
  const sound = new Map([...files].filter(([, timing]) => fileSchema.safeParse(encodeFile(timing)).success));
  const start = seconds.nullable().safeParse(startSeconds);
  const dropped = files.size - sound.size + (start.success ? 0 : 1);
  return { history: { startSeconds: start.success ? start.data : null, files: sound }, dropped };
}

/** Throws `bad-message` and `newer-version`. */
export const decodeFileTiming = (text: string, source: string): FileTiming =>
  decodeFile(parseVersioned(entrySchema, text, source, TIMINGS_VERSION).timing);

/** The name of the entry for the start of a pytest. No test file can have this name. */
export const START_ENTRY = '/start';

export const encodeStart = (startSeconds: number): string => JSON.stringify({ version: TIMINGS_VERSION, startSeconds });

/** Throws `bad-message` and `newer-version`. */
export const decodeStart = (text: string, source: string): number =>
  parseVersioned(startSchema, text, source, TIMINGS_VERSION).startSeconds;

export function encodeHistory({ startSeconds, files }: History): string {
  const encoded = [...files].map(([file, timing]) => [file, encodeFile(timing)]);
  return `${JSON.stringify({ version: TIMINGS_VERSION, startSeconds, files: encoded })}\n`;
}

/** The usable entries, and the number of dropped ones. Throws `bad-message` if the text is not a history, and `newer-version`. */
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

/** The key of one entry, with the same check as in a timings file. Returns null for a name that no test file can have. */
export function decodeTimedFile(name: string): TestFile | null {
  const result = testFileSchema.safeParse(name);
  return result.success ? result.data : null;
}
