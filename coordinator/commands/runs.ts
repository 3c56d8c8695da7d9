// `shardline runs`: lists the finished runs of a workspace.

import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ShardlineError } from '../../shared/errors.ts';
import type { RunsSettings } from '../../shared/settings/settings.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { isHeld } from '../../shared/system/files/hold-directory.ts';
import { runFolders, runsOf } from '../../shared/system/run-place.ts';
import { oneLine, plural } from '../../shared/text/safe-text.ts';
import { readReport } from '../record/report-file.ts';
import { verdictText } from '../reporters/summary/terminal-summary.ts';

/** Resolves with 0. Throws `no-run`. */
export async function runsCommand({ workspace, last }: RunsSettings, edge: Edge): Promise<number> {
  const folders = await runFolders(workspace);
  if (folders.length === 0) throw new ShardlineError('no-run', { folder: runsOf(workspace) });
  for (const folder of folders.slice(0, last)) edge.stdout.write(`${await lineOf(folder)}\n`);
  const older = folders.length - last;
  if (older > 0) edge.stdout.write(`and ${plural(older, 'older run')}: \`shardline runs --last ${folders.length}\`\n`);
  return 0;
}

const lineOf = async (folder: string): Promise<string> => `${oneLine(basename(folder))}  ${await stateOf(folder)}`;

async function stateOf(folder: string): Promise<string> {
  const path = join(folder, 'report.json');
  if (!existsSync(path)) return (await isHeld(folder)) ? 'still running' : 'ended without a report';
  return await readReport(path).then(verdictText, (thrown: unknown) => {
    if (thrown instanceof ShardlineError) return `its report cannot be read: ${oneLine(String(thrown.values.problem ?? thrown.code))}`;
    throw thrown;
  });
}
