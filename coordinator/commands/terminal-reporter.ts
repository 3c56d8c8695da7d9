// Prints a report to the terminal or the log of a CI job, and to GitHub if the run is a GitHub job.

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
import { NOTHING_WRITTEN, type Reporter } from '../reporters/reporter.ts';
import { reportParts } from '../reporters/summary/terminal-summary.ts';

export interface Shown {
  readonly verbosity: Verbosity;
  readonly github: boolean;
  /** The directory in which test files are searched. */
  readonly workspace: string;
  /** coverage.py's table of a run that has just ended. */
  readonly coverageTable?: string;
}

/** Prints the report and the paths of the outputs, with the verdict on the last line. */
export const terminalReporter = (shown: Shown, edge: Edge): Reporter => ({
  async finish(report, { paths }) {
    await showReport(report, shown, paths, edge);
    return NOTHING_WRITTEN;
  },
});

/** Throws `output-not-writable` for GitHub's summary after everything is printed. */
async function showReport(
  report: Report,
  { verbosity, github, workspace, coverageTable = '' }: Shown,
  paths: readonly string[],
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

/** Returns the path relative to the command's working directory if it is inside. */
function shortest(path: string, cwd: string): string {
  const inside = relative(cwd, path);
  return inside === '' || inside.startsWith('..') || isAbsolute(inside) ? path : inside;
}

/**
 * Returns a test file's path relative to the repository. The given path is relative to pytest's rootdir, which is the workspace or a
 * directory above it.
 */
function locate(file: string, workspace: string, root: string): string {
  for (let directory = workspace; ; directory = dirname(directory)) {
    const path = join(directory, file);
    if (existsSync(path)) return relative(root, path).split(sep).join('/');
    if (directory === root || directory === dirname(directory)) return file;
  }
}
