// Describes the part of a suite that a run runs.

import { createHash } from 'node:crypto';
import type { TestFile } from '../../../shared/domain/ids.ts';
import type { Division, PartRequest, SuitePart } from '../../../shared/domain/part.ts';
import { ShardlineError } from '../../../shared/errors.ts';
import { plural } from '../../../shared/text/safe-text.ts';
import { ciJob } from '../../ci/job.ts';
import type { DiscoveredFile } from '../../core/plan/discovered-file.ts';
import { filesOfPart } from '../../core/plan/divide.ts';
import type { EstimatedUnit } from '../../core/plan/plan.ts';
import { readDivision } from '../../record/division-file.ts';
import type { Setting } from '../run-context.ts';

type Request = Pick<PartRequest, 'index' | 'total'>;

/** `own`: the files of the part. */
export function partOf(
  { settings, edge }: Setting,
  { index, total }: Request,
  discovered: readonly DiscoveredFile[],
  pytestArgs: readonly string[],
  own: readonly TestFile[],
): SuitePart {
  const shared = { total, pytestArgs, collect: settings.collect, files: discovered.map(({ file }) => file) };
  const digest = createHash('sha256').update(JSON.stringify(shared)).digest('hex').slice(0, 12);
  return { ...shared, index, attempt: ciJob(edge.env)?.attempt ?? 1, digest, own };
}

/** The part of this run; null for the whole suite. Throws `bad-plan` if the plan of `--plan` is for another suite. */
export async function plannedPart(
  setting: Setting,
  discovered: readonly DiscoveredFile[],
  pytestArgs: readonly string[],
  units: readonly EstimatedUnit[],
): Promise<SuitePart | null> {
  const { shard, plan, collect } = setting.settings;
  if (shard === null) return null;
  if (plan === null) return partOf(setting, shard, discovered, pytestArgs, filesOfPart(units, shard));
  const division = await readDivision(plan);
  const problem = mismatch(division, { shard, collect, pytestArgs, files: discovered.map(({ file }) => file) });
  if (problem !== null) throw new ShardlineError('bad-plan', { path: plan, problem });
  return partOf(setting, shard, discovered, pytestArgs, division.parts[shard.index - 1] ?? []);
}

function mismatch(
  division: Division,
  { shard, collect, pytestArgs, files }: { shard: Request; collect: string; pytestArgs: readonly string[]; files: readonly TestFile[] },
): string | null {
  const planned = new Set(division.parts.flat());
  const found = new Set(files);
  const [unplanned] = files.filter((file) => !planned.has(file));
  const [gone] = [...planned].filter((file) => !found.has(file));
  if (division.parts.length !== shard.total)
    return `it has ${plural(division.parts.length, 'part')}, and --shard asks for one of ${shard.total}`;
  if (division.pytestArgs.join('\0') !== pytestArgs.join('\0')) {
    return `it is for the arguments ${division.pytestArgs.join(' ') || 'none'}, and this run has ${pytestArgs.join(' ') || 'none'}`;
  }
  if (division.collect !== collect) return `it is for --collect ${division.collect}, and this run has ${collect}`;
  if (unplanned !== undefined) return `it does not have ${unplanned}, which is in this suite`;
  if (gone !== undefined) return `it has ${gone}, which is not in this suite`;
  return null;
}
