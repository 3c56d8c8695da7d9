// Parts of a CI job's log that its provider folds.
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions, https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections

import { assertNever } from '../../../shared/assert-never.ts';

export type LogProvider = 'github' | 'gitlab';

/** GitLab by its own variable; GitHub's has an option beside it. null where nothing folds. */
export function logProvider(isGithub: boolean, env: Readonly<Record<string, string | undefined>>): LogProvider | null {
  if (isGithub) return 'github';
  return env.GITLAB_CI === 'true' ? 'gitlab' : null;
}

/**
 * The text, whose last line is ended, below a title that opens it. `name` is a word of ours, `at` seconds since the epoch. GitLab's markers are made of
 * control sequences, which nothing that a test prints can hold here.
 */
export function folded(provider: LogProvider, title: string, name: string, text: string, at: number): string {
  switch (provider) {
    case 'github':
      return `::group::${title}\n${text}::endgroup::\n`;
    case 'gitlab':
      return `\u001b[0Ksection_start:${at}:${name}[collapsed=true]\r\u001b[0K${title}\n${text}\u001b[0Ksection_end:${at}:${name}\r\u001b[0K\n`;
    default:
      return assertNever(provider);
  }
}
