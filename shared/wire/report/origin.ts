// Where a run comes from, in its log and its report.

import { z } from 'zod';
import type { RunOrigin } from '../../domain/report.ts';

/** Characters. Longer commands are cut when they are written. */
const LONGEST_COMMAND = 4096;

export const originSchema: z.ZodType<RunOrigin> = z.object({
  project: z.string(),
  branch: z.string().nullable(),
  command: z.string().max(LONGEST_COMMAND),
  // Shown as a link.
  job: z.url({ protocol: /^https?$/ }).nullable(),
});
