// Prints a report to the terminal or the log of a CI job.

import { randomUUID } from 'node:crypto';
import type { Verbosity } from '../../../shared/settings/settings.ts';
import type { Edge } from '../../../shared/system/edge.ts';
import { takesColor } from '../../../shared/system/terminal.ts';
import { inert } from '../../../shared/text/inert.ts';
import { type Places, shortest } from '../../report-places.ts';
import { folded, logProvider, withoutCommands } from '../files/log-sections.ts';
import { NOTHING_WRITTEN, type Reporter } from '../reporter.ts';
import { reportLines } from './json-lines.ts';
import { reportParts } from './terminal-summary.ts';

export interface Shown {
  readonly verbosity: Verbosity;
  /** True if the output is the log of a GitHub job. */
  readonly github: boolean;
  /** coverage.py's table of a run that has just ended. */
  readonly coverageTable?: string;
  /** True to print JSON lines instead. */
  readonly isJson: boolean;
}

/** Prints the report in the form that the user asked for. */
export const reportPrinter = (shown: Shown, edge: Edge, places: Places): Reporter =>
  shown.isJson ? jsonLinesReporter(edge, places) : terminalReporter(shown, edge);

/** Prints the report as JSON lines, and nothing else, on standard output. */
export const jsonLinesReporter = ({ machine, cwd }: Pick<Edge, 'machine' | 'cwd'>, places: Places): Reporter => ({
  async finish(report, { paths }) {
    for (const line of reportLines(
      report,
      paths.map((path) => shortest(path, cwd)),
      places,
    ))
      machine.write(`${JSON.stringify(line)}\n`);
    return NOTHING_WRITTEN;
  },
});

/** Prints the report and the paths of the outputs, with the verdict on the last line. */
export const terminalReporter = (
  { verbosity, github, coverageTable = '' }: Omit<Shown, 'isJson'>,
  { stdout, machine, env, cwd }: Edge,
): Reporter => ({
  async finish(report, { paths }) {
    const { parts, verdict } = reportParts(report, {
      color: takesColor(stdout, env),
      width: stdout.columns ?? null,
      paths: paths.map((path) => shortest(path, cwd)),
      verbosity,
      coverageTable,
    });
    const provider = logProvider(github, env);
    for (const { title, text } of parts) {
      const shown = github ? withoutCommands(inert(text), randomUUID()) : inert(text);
      const isFolded = title !== null && provider !== null;
      machine.write(isFolded ? folded(provider, title, 'shardline_details', shown, Math.floor(Date.now() / 1000)) : shown);
    }
    stdout.write(verdict);
    return NOTHING_WRITTEN;
  },
});
