// The limits of what anyone who can write to Redis may send. Honest agents stay far below them.

import { z } from 'zod';
import { listOf } from './parse.ts';

/** xdist workers of one agent. */
export const MOST_WORKERS = 4096;
/** About 116 days. Sums of such values stay exact. */
export const LONGEST_SECONDS = 1e7;
/** The last millisecond that an ISO date can name in four digits of the year. */
const LAST_INSTANT = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
/** Characters of the name of a machine; DNS allows 253. */
const LONGEST_HOST = 255;
/**
 * Characters of a traceback, and of one captured output or section. The plugin cuts at 100,000 and 64,000 bytes, and adds a line about what
 * it has cut.
 */
const LONGEST_MESSAGE = 200_000;
const LONGEST_SECTION = 200_000;
/** Characters of a one-line text: a title, a version, a category. */
const LONGEST_LINE = 10_000;
const MOST_SECTIONS = 1000;

const clamped = (most: number, least = 0): z.ZodType<number> => z.number().transform((value) => Math.min(Math.max(value, least), most));

/** Clocks that are set back make durations negative, which is nobody's fault. */
export const secondsSchema = clamped(LONGEST_SECONDS);
/** Milliseconds since the epoch. */
export const instantSchema = clamped(LAST_INSTANT);
/** By how many milliseconds one clock is ahead of another. */
export const aheadSchema = clamped(LAST_INSTANT, -LAST_INSTANT);
export const bytesSchema = clamped(Number.MAX_SAFE_INTEGER);
export const hostSchema = z.string().max(LONGEST_HOST);
export const lineSchema = z.string().max(LONGEST_LINE);
export const messageSchema = z.string().max(LONGEST_MESSAGE);
export const sectionsSchema = listOf(z.object({ title: lineSchema, text: z.string().max(LONGEST_SECTION) }), { most: MOST_SECTIONS });
