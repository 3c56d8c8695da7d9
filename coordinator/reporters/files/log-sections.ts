// Formats text for the logs of CI providers: collapsible sections, and a guard so that it cannot be a command.
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions,
// https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections

import { assertNever } from '../../../shared/assert-never.ts';

export type LogProvider = 'github' | 'gitlab';

/**
 * Detects GitLab by its own variable; the caller detects GitHub, because an option can override it. Returns null if the log cannot fold.
 */
export function logProvider(isGithub: boolean, env: Readonly<Record<string, string | undefined>>): LogProvider | null {
  if (isGithub) return 'github';
  return env.GITLAB_CI === 'true' ? 'gitlab' : null;
}

/**
 * Returns the text in a collapsible section with that title. The text must end with a newline. `name` is a fixed word of shardline's; `at`
 * is in seconds since the epoch. GitLab's markers are control sequences, which sanitized test output cannot contain.
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

/** Wraps text so that GitHub parses no commands in it: test output may start a line with `::`. `token` must be a fresh secret. */
export const withoutCommands = (text: string, token: string): string => `::stop-commands::${token}\n${text}::${token}::\n`;
