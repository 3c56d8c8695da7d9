// `shardline init`: prints or writes a CI workflow for this repository.

import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { reasonOf, ShardlineError } from '../../shared/errors.ts';
import type { CiProvider, InitSettings } from '../../shared/settings/settings.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { plural } from '../../shared/text/safe-text.ts';
import { shellCommand } from '../../shared/text/shell-quote.ts';
import { type ProjectFacts, readProject } from './project-facts.ts';
import { azure } from './workflows/azure.ts';
import { buildkite } from './workflows/buildkite.ts';
import { circleci } from './workflows/circleci.ts';
import { github } from './workflows/github.ts';
import { gitlab } from './workflows/gitlab.ts';
import { withTags } from './workflows/pinned-actions.ts';
import { junitOf, type Workflows } from './workflows/workflow.ts';

const providers: Readonly<Record<CiProvider, Workflows>> = { github, gitlab, circleci, buildkite, azure };

/** How the jobs get a package that no index has yet. */
const UNPUBLISHED = [
  'shardline is not on PyPI yet. Until it is, run `npm run build:wheel` in a clone of shardline, commit the wheel to this repository,',
  "and install it by its path: './shardline-VERSION-py3-none-any.whl[all]' instead of 'shardline[all]', and likewise for [node].",
];
const HEADER = ['Written by `shardline init`. Edit freely; shardline never reads this file.', ...UNPUBLISHED];

/** The workflow goes to standard output, everything about it to standard error. Throws `output-not-writable` and `already-there`. */
export async function initCommand(settings: InitSettings, { stdout, stderr, cwd }: Edge): Promise<number> {
  const { workspace, provider, jobs, isQueue, isWritten } = settings;
  const facts = await readProject(workspace, provider);
  const { parts, queue } = providers[facts.provider];
  const { path, content, notes, next } = (isQueue ? queue : parts)({ facts, jobs });
  const header = HEADER.map((line) => `# ${line}\n`).join('');
  const text = `${header}${withTags(stringify(content, { lineWidth: 0, aliasDuplicateObjects: false }))}`;
  for (const note of [...facts.notes, ...foundIn(facts), ...droppedFrom(facts, isQueue), ...notes]) stderr.write(`shardline: ${note}\n`);
  if (isWritten) {
    await writeNew(join(workspace, path), path, text);
    stderr.write(`shardline: wrote ${path}\n`);
  } else {
    stdout.write(text);
    stderr.write(`shardline: nothing written. Fix: \`${writingCommand(settings, cwd)}\`\n`);
  }
  for (const each of [UNPUBLISHED.join(' '), ...next, ...lastOf(facts)]) stderr.write(`Next: ${each}\n`);
  return 0;
}

/** The same command, which writes the file. */
function writingCommand({ workspace, provider, jobs, isQueue }: InitSettings, cwd: string): string {
  const options = [
    ...(workspace === cwd ? [] : ['--workspace', workspace]),
    ...(provider === null ? [] : ['--provider', provider]),
    ...(jobs === DEFAULT_JOBS ? [] : ['--jobs', String(jobs)]),
    ...(isQueue ? ['--redis'] : []),
  ];
  return shellCommand(['shardline', 'init', ...options, '--write']);
}

/** The default of `--jobs`. */
const DEFAULT_JOBS = 4;

function foundIn({ source, pytest, pythons }: ProjectFacts): readonly string[] {
  const line = [...pytest.prefix, 'pytest', ...pytest.paths, ...pytest.pytestArgs].join(' ');
  const python = pythons.length === 0 ? '' : `on Python ${pythons.join(', ')}`;
  if (source === null) return [['found no line that runs pytest; using plain `pytest`', python].join(' ').trim()];
  return [`found \`${line}\` in ${source}${python === '' ? '' : `, ${python}`}`];
}

/** What the new jobs do not do as the old one did. */
function droppedFrom(facts: ProjectFacts, isQueue: boolean): readonly string[] {
  const { job, pytest } = facts;
  const after = job?.after ?? [];
  const junit = junitOf(facts);
  return [
    ...(pytest.dropped.length === 0 ? [] : [`left out ${pytest.dropped.join(' ')}: shardline divides the suite itself`]),
    ...(junit === null || !isQueue ? [] : [`left out --junit-xml ${junit}: the reports of each job include junit.xml`]),
    ...(junit === null || isQueue ? [] : [`moved --junit-xml ${junit} to the last job`]),
    // They use what pytest wrote, which is elsewhere now.
    ...(after.length === 0
      ? []
      : [`skipped ${plural(after.length, 'step')} after pytest: ${after.join(', ')}. Add what you need to the last job`]),
  ];
}

const lastOf = ({ source }: ProjectFacts): readonly string[] =>
  source === null ? [] : [`Once it is green, remove what runs pytest from ${source}.`];

async function writeNew(path: string, shown: string, text: string): Promise<void> {
  if (existsSync(path)) throw new ShardlineError('already-there', { path: shown });
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { flag: 'wx' });
  } catch (thrown) {
    throw new ShardlineError('output-not-writable', { path, problem: reasonOf(thrown) }, { cause: thrown });
  }
}
