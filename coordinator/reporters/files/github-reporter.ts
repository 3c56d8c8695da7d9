// Shows a report to GitHub: annotations in the log of the job, and the job's summary.

import { existsSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { Report } from '../../../shared/domain/report.ts';
import { messageOf, ShardlineError } from '../../../shared/errors.ts';
import type { Edge } from '../../../shared/system/edge.ts';
import type { Places } from '../../report-places.ts';
import { NOTHING_WRITTEN, type Reporter } from '../reporter.ts';
import { annotations } from './github.ts';
import { summaryMarkdown } from './summary-md.ts';

export interface GithubJob {
  /** False if the command does not run in a GitHub job. */
  readonly github: boolean;
  /** The directory in which test files are searched. */
  readonly workspace: string;
}

/** Empty outside of a GitHub job. Place it before the terminal's reporter, so that the verdict stays the last line of the log. */
export const githubReporters = (job: GithubJob, edge: Edge, places: Places): readonly Reporter[] =>
  job.github ? [githubReporter(job.workspace, edge, places)] : [];

function githubReporter(workspace: string, { machine, env }: Pick<Edge, 'machine' | 'env'>, places: Places): Reporter {
  const root = env.GITHUB_WORKSPACE ?? workspace;
  return {
    async finish(report) {
      for (const line of annotations(report, (file) => locate(file, workspace, root))) machine.write(`${line}\n`);
      const problem = await appendSummary(env.GITHUB_STEP_SUMMARY ?? '', report, places);
      // The summary's path is not printed: GitHub shows the summary itself.
      return problem === null ? NOTHING_WRITTEN : { paths: [], problems: [problem] };
    },
  };
}

/** Appends to the file from which GitHub takes the job's summary, if there is one. Returns the problem, or null. */
async function appendSummary(path: string, report: Report, places: Places): Promise<ShardlineError | null> {
  if (path === '') return null;
  try {
    await appendFile(path, summaryMarkdown(report, places));
    return null;
  } catch (thrown) {
    return new ShardlineError('output-not-writable', { path, problem: messageOf(thrown) }, { cause: thrown });
  }
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
