// `shardline init`: prints or writes a CI workflow for this repository.

import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { reasonOf, ShardlineError } from '../../shared/errors.ts';
import type { CiProvider, InitSettings } from '../../shared/settings/settings.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { plural } from '../../shared/text/safe-text.ts';
import { type ProjectFacts, readProject } from './project-facts.ts';
import { azure } from './workflows/azure.ts';
import { buildkite } from './workflows/buildkite.ts';
import { circleci } from './workflows/circleci.ts';
import { github } from './workflows/github.ts';
import { gitlab } from './workflows/gitlab.ts';
import type { Workflows } from './workflows/workflow.ts';

const providers: Readonly<Record<CiProvider, Workflows>> = { github, gitlab, circleci, buildkite, azure };

/** The workflow goes to standard output, everything about it to standard error. Throws `output-not-writable` and `already-there`. */
export async function initCommand(
  { workspace, provider, jobs, isQueue, isWritten }: InitSettings,
  { stdout, stderr }: Edge,
): Promise<number> {
  const facts = await readProject(workspace, provider);
  const { parts, queue } = providers[facts.provider];
  const { path, content, notes, next } = (isQueue ? queue : parts)({ facts, jobs });
  const text = `# Written by \`shardline init\`. Change it as you like: shardline does not read it.\n${stringify(content, { lineWidth: 0, aliasDuplicateObjects: false })}`;
  for (const note of [...facts.notes, ...foundIn(facts), ...droppedFrom(facts), ...notes]) stderr.write(`shardline: ${note}\n`);
  if (isWritten) {
    await writeNew(join(workspace, path), path, text);
    stderr.write(`shardline: wrote ${path}\n`);
  } else {
    stdout.write(text);
    stderr.write(`shardline: printed only. To write ${path}, add --write to this command\n`);
  }
  for (const each of next) stderr.write(`Next: ${each}\n`);
  return 0;
}

function foundIn({ source, pytest, pythons }: ProjectFacts): readonly string[] {
  const line = [...pytest.prefix, 'pytest', ...pytest.paths, ...pytest.pytestArgs].join(' ');
  const python = `Python ${pythons.join(', ')}`;
  return [
    source === null
      ? `found no line that runs pytest; using plain \`pytest\` on ${python}`
      : `found \`${line}\` in ${source}, on ${python}`,
  ];
}

/** Steps after the tests use what pytest wrote, which is elsewhere now. */
function droppedFrom({ job }: ProjectFacts): readonly string[] {
  const after = job?.after ?? [];
  if (after.length === 0) return [];
  return [`left out ${plural(after.length, 'step')} that came after pytest: ${after.join(', ')}. Add what you need to the last job`];
}

async function writeNew(path: string, shown: string, text: string): Promise<void> {
  if (existsSync(path)) throw new ShardlineError('already-there', { path: shown });
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { flag: 'wx' });
  } catch (thrown) {
    throw new ShardlineError('output-not-writable', { path, problem: reasonOf(thrown) }, { cause: thrown });
  }
}
