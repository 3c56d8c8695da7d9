// Describes the part of a suite that a run runs.

import { createHash } from 'node:crypto';
import { relative } from 'node:path';
import type { Division, PartRequest, SuitePart } from '../../../shared/domain/part.ts';
import { ShardlineError } from '../../../shared/errors.ts';
import type { RunSettings } from '../../../shared/settings/settings.ts';
import type { Edge } from '../../../shared/system/edge.ts';
import { compareText } from '../../../shared/text/compare-text.ts';
import { plural } from '../../../shared/text/safe-text.ts';
import { shellCommand } from '../../../shared/text/shell-quote.ts';
import { encodeDivision } from '../../../shared/wire/report/part.ts';
import { ciJob } from '../../ci/job.ts';
import type { DiscoveredFile } from '../../core/plan/discovered-file.ts';
import { divide } from '../../core/plan/divide.ts';
import type { EstimatedUnit } from '../../core/plan/plan.ts';
import { readDivision } from '../../record/division-file.ts';
import type { Setting } from '../run-context.ts';

type Request = Pick<PartRequest, 'index' | 'total'>;

/** `parts`: the files of each part. */
export function partOf(
  { settings, edge }: Setting,
  { index, total }: Request,
  discovered: readonly DiscoveredFile[],
  pytestArgs: readonly string[],
  parts: Division['parts'],
): SuitePart {
  const { collect } = settings;
  const division: Division = { pytestArgs, addopts: addoptsOf(edge), collect, parts: parts.map((files) => files.toSorted(compareText)) };
  const digest = createHash('sha256').update(encodeDivision(division)).digest('hex').slice(0, 12);
  return {
    index,
    total,
    attempt: ciJob(edge.env)?.attempt ?? 1,
    digest,
    pytestArgs,
    addopts: division.addopts,
    collect,
    files: discovered.map(({ file }) => file),
    own: parts[index - 1] ?? [],
  };
}

/** pytest reads this variable itself. */
export const addoptsOf = ({ env }: Pick<Edge, 'env'>): string => env.PYTEST_ADDOPTS ?? '';

/** The part of this run; null for the whole suite. Throws `bad-plan` if the plan of `--plan` is for another suite. */
export async function plannedPart(
  setting: Setting,
  discovered: readonly DiscoveredFile[],
  pytestArgs: readonly string[],
  units: readonly EstimatedUnit[],
): Promise<SuitePart | null> {
  const { shard, plan, collect } = setting.settings;
  if (shard === null) return null;
  if (plan === null) return partOf(setting, shard, discovered, pytestArgs, divide(units, shard.total));
  const path = relative(setting.edge.cwd, plan);
  const request = { ...setting.settings, workspace: relative(setting.edge.cwd, setting.settings.workspace) };
  const command = planCommandLine('plan', request, ['--shards', String(shard.total), '--out', path]);
  const division = await readDivision(plan, command);
  const here = { shard, collect, pytestArgs, addopts: addoptsOf(setting.edge), files: discovered.map(({ file }) => file) };
  const problem = mismatch(division, here);
  if (problem !== null) throw new ShardlineError('bad-plan', { path: plan, problem, command });
  return partOf(setting, shard, discovered, pytestArgs, division.parts);
}

/** The command line of `shardline plan`, or of a part that follows the plan, for the same suite. `workspace` is empty if it is the current directory. */
export function planCommandLine(
  command: 'plan' | 'ci',
  { workspace, paths, collect, pytestArgs }: Pick<RunSettings, 'workspace' | 'paths' | 'collect' | 'pytestArgs'>,
  own: readonly string[],
): string {
  return shellCommand([
    ...['shardline', command, ...paths],
    ...(workspace === '' ? [] : ['--workspace', workspace]),
    ...(collect === 'auto' ? [] : ['--collect', collect]),
    ...own,
    ...(pytestArgs.length === 0 ? [] : ['--', ...pytestArgs]),
  ]);
}

interface Here extends Pick<SuitePart, 'collect' | 'pytestArgs' | 'addopts' | 'files'> {
  readonly shard: Request;
}

function mismatch(division: Division, { shard, collect, pytestArgs, addopts, files }: Here): string | null {
  const planned = new Set(division.parts.flat());
  const found = new Set(files);
  const [unplanned] = files.filter((file) => !planned.has(file));
  const [gone] = [...planned].filter((file) => !found.has(file));
  if (division.parts.length !== shard.total)
    return `it has ${plural(division.parts.length, 'part')}, and --shard asks for one of ${shard.total}`;
  if (division.pytestArgs.join('\0') !== pytestArgs.join('\0')) {
    return `it is for the arguments ${division.pytestArgs.join(' ') || 'none'}, and this run has ${pytestArgs.join(' ') || 'none'}`;
  }
  if (division.addopts !== addopts)
    return `it is for PYTEST_ADDOPTS ${division.addopts || 'unset'}, and this run has ${addopts || 'it unset'}`;
  if (division.collect !== collect) return `it is for --collect ${division.collect}, and this run has ${collect}`;
  if (unplanned !== undefined) return `it does not have ${unplanned}, which is in this suite`;
  if (gone !== undefined) return `it has ${gone}, which is not in this suite`;
  return null;
}
