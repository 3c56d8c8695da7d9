// A report on its way to whoever reads it: the terminal, or the log of a CI job, and GitHub where the run is one of its jobs.

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import type { Report } from '../../shared/domain/report.ts';
import { messageOf, ShardlineError } from '../../shared/errors.ts';
import type { Verbosity } from '../../shared/settings/settings.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { takesColor } from '../../shared/system/terminal.ts';
import { annotations, withoutCommands } from '../reporters/files/github.ts';
import { folded, logProvider } from '../reporters/files/log-sections.ts';
import { summaryMarkdown } from '../reporters/files/summary-md.ts';
import { reportParts } from '../reporters/summary/terminal-summary.ts';

export interface Shown {
  readonly verbosity: Verbosity;
  readonly github: boolean;
  /** Where test files are looked for. */
  readonly workspace: string;
  /** Where the outputs stand. */
  readonly paths: readonly string[];
  /** coverage.py's table of a run that has just ended. */
  readonly coverageTable?: string;
}

/** Prints the report; its last line is the verdict. Throws `output-not-writable` for GitHub's summary, when all is printed. */
export async function showReport(
  report: Report,
  { verbosity, github, workspace, paths, coverageTable = '' }: Shown,
  edge: Edge,
): Promise<void> {
  const { stdout, env } = edge;
  const { parts, verdict } = reportParts(report, {
    color: takesColor(stdout, env),
    width: stdout.columns ?? null,
    paths: paths.map((path) => shortest(path, edge.cwd)),
    verbosity,
    coverageTable,
  });
  const root = env.GITHUB_WORKSPACE ?? workspace;
  if (github) for (const line of annotations(report, (file) => locate(file, workspace, root))) stdout.write(`${line}\n`);
  const provider = logProvider(github, env);
  for (const { title, text } of parts) {
    const shown = github ? withoutCommands(text, randomUUID()) : text;
    const isFolded = title !== null && provider !== null;
    stdout.write(isFolded ? folded(provider, title, 'shardline_details', shown, Math.floor(Date.now() / 1000)) : shown);
  }
  stdout.write(verdict);
  if (!github) return;
  const summary = env.GITHUB_STEP_SUMMARY;
  if (summary === undefined || summary === '') return;
  try {
    await appendFile(summary, summaryMarkdown(report));
  } catch (thrown) {
    throw new ShardlineError('output-not-writable', { path: summary, problem: messageOf(thrown) }, { cause: thrown });
  }
}

/** Relative to the directory that the command runs in, for what lies in it. */
function shortest(path: string, cwd: string): string {
  const inside = relative(cwd, path);
  return inside === '' || inside.startsWith('..') || isAbsolute(inside) ? path : inside;
}

/** A test file relative to the repository: pytest's rootdir, which its path is relative to, is the workspace or above it. */
function locate(file: string, workspace: string, root: string): string {
  for (let directory = workspace; ; directory = dirname(directory)) {
    const path = join(directory, file);
    if (existsSync(path)) return relative(root, path).split(sep).join('/');
    if (directory === root || directory === dirname(directory)) return file;
  }
}
