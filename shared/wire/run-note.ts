// A run's note in Redis, for `shardline serve` and `shardline status`: how far the run is, and how it ended. The coordinator writes it.

import { z } from 'zod';
import { type Verdict, verdicts } from '../domain/outcome.ts';
import { type RejectionCause, rejectionCauses } from '../domain/report.ts';
import { oneLine } from '../text/safe-text.ts';
import { instantSchema, secondsSchema } from './limits.ts';
import { parseVersioned } from './parse.ts';

/** Instants are in milliseconds since the epoch by the agreed clock. */
export interface RunNote {
  /** When it was written. */
  readonly at: number;
  /** null without a deadline. `met` is false until the run has met it. */
  readonly deadline: { readonly seconds: number; readonly reserveSeconds: number; readonly endsAt: number; readonly met: boolean } | null;
  readonly state: RunningNote | EndedNote;
}

export interface RunningNote {
  readonly kind: 'running';
  readonly filesDone: number;
  readonly files: number;
  /** When the run ends, by its forecast; null without one. */
  readonly endsAt: number | null;
  /** null in the note of an earlier version. */
  readonly load: RunLoad | null;
}

/** What is left of a run, and what went wrong so far, for the metrics. */
export interface RunLoad {
  /** Work that is left, in seconds of one xdist worker. */
  readonly workSeconds: number;
  readonly lostAttempts: number;
  /** Rejected messages by cause. */
  readonly rejected: Readonly<Partial<Record<RejectionCause, number>>>;
}

export interface EndedNote {
  readonly kind: 'ended';
  readonly verdict: Verdict;
  readonly exitCode: number;
  /** The coordinator's machine, and the path of report.html there; null if none was written. */
  readonly report: { readonly host: string; readonly path: string } | null;
  /** The page of the CI job that wrote the report; null outside CI. */
  readonly job: string | null;
}

/** A forecast in an older note is out of date: its coordinator writes one every few seconds. */
export const FRESH_MS = 10_000;

const NOTE_VERSION = 1;
const LONGEST_TEXT = 4096;
const text = z.string().max(LONGEST_TEXT).transform(oneLine);
const count = z.int().nonnegative();

const noteSchema = z.object({
  version: z.literal(NOTE_VERSION),
  note: z.object({
    at: instantSchema,
    deadline: z.object({ seconds: secondsSchema, reserveSeconds: secondsSchema, endsAt: instantSchema, met: z.boolean() }).nullable(),
    state: z.discriminatedUnion('kind', [
      z.object({
        kind: z.literal('running'),
        filesDone: count,
        files: count,
        endsAt: instantSchema.nullable(),
        load: z
          .object({ workSeconds: secondsSchema, lostAttempts: count, rejected: z.partialRecord(z.enum(rejectionCauses), count) })
          .nullable()
          .default(null),
      }),
      z.object({
        kind: z.literal('ended'),
        verdict: z.enum(verdicts),
        exitCode: z.int().min(0).max(255),
        report: z.object({ host: text, path: text }).nullable(),
        // Shown as a link.
        job: z
          .url({ protocol: /^https?$/ })
          .max(LONGEST_TEXT)
          .nullable(),
      }),
    ]),
  }),
});

export const encodeNote = (note: RunNote): string => JSON.stringify({ version: NOTE_VERSION, note });

/** Throws `bad-message` and `newer-version`. */
export const decodeNote = (encoded: string, source: string): RunNote => parseVersioned(noteSchema, encoded, source, NOTE_VERSION).note;
