// What a run leaves in Redis for people who watch its pool: how far it is, and how it ended. `shardline serve` and `shardline status` read it.

import { z } from 'zod';
import { type Verdict, verdicts } from '../domain/outcome.ts';
import { oneLine } from '../text/safe-text.ts';
import { parseVersioned } from './parse.ts';

/** Instants are in milliseconds since the epoch by the agreed clock. */
export type RunNote =
  | {
      readonly kind: 'running';
      readonly filesDone: number;
      readonly files: number;
      /** When the run ends, by its forecast; null without one. */
      readonly endsAt: number | null;
      readonly deadlineAt: number | null;
    }
  | {
      readonly kind: 'ended';
      readonly verdict: Verdict;
      readonly exitCode: number;
      /** The coordinator's machine, and the path of report.html there; null if none was written. */
      readonly report: { readonly host: string; readonly path: string } | null;
      /** The page of the CI job that has the reports; null outside CI. */
      readonly job: string | null;
    };

const NOTE_VERSION = 1;
const LONGEST_TEXT = 4096;
const text = z.string().max(LONGEST_TEXT).transform(oneLine);
const count = z.int().nonnegative();

const noteSchema = z.object({
  version: z.literal(NOTE_VERSION),
  note: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('running'),
      filesDone: count,
      files: count,
      endsAt: z.number().nullable(),
      deadlineAt: z.number().nullable(),
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
});

export const encodeNote = (note: RunNote): string => JSON.stringify({ version: NOTE_VERSION, note });

/** Throws `bad-message` and `newer-version`. */
export const decodeNote = (encoded: string, source: string): RunNote => parseVersioned(noteSchema, encoded, source, NOTE_VERSION).note;
