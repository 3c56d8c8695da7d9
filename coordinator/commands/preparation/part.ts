// Describes the part of a suite that a run runs.

import { createHash } from 'node:crypto';
import type { TestFile } from '../../../shared/domain/ids.ts';
import type { PartRequest, SuitePart } from '../../../shared/domain/part.ts';
import { ciJob } from '../../ci/job.ts';
import type { DiscoveredFile } from '../../core/plan/discovered-file.ts';
import type { Setting } from '../run-context.ts';

/** `own`: the files of the part. */
export function partOf(
  { settings, edge }: Setting,
  { index, total }: Pick<PartRequest, 'index' | 'total'>,
  discovered: readonly DiscoveredFile[],
  pytestArgs: readonly string[],
  own: readonly TestFile[],
): SuitePart {
  const shared = { total, pytestArgs, collect: settings.collect, files: discovered.map(({ file }) => file) };
  const digest = createHash('sha256').update(JSON.stringify(shared)).digest('hex').slice(0, 12);
  return { ...shared, index, attempt: ciJob(edge.env)?.attempt ?? 1, digest, own };
}
