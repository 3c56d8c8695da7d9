// Where a run comes from, in its log and its report.

import { z } from 'zod';
import type { RunOrigin } from '../../domain/report.ts';

export const originSchema: z.ZodType<RunOrigin> = z.object({
  project: z.string(),
  branch: z.string().nullable(),
  command: z.string(),
  // Shown as a link.
  job: z.url({ protocol: /^https?$/ }).nullable(),
});
