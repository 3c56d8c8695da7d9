// The files a run leaves. Whoever reads one finds a whole one: each is written beside its place and moved there. One that cannot be written costs no other.

import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Report } from '../../../shared/domain/report.ts';
import { messageOf, reasonOf, ShardlineError } from '../../../shared/errors.ts';
import type { Copies } from '../../../shared/settings/settings.ts';
import { makeDirectory } from '../../../shared/system/make-directory.ts';
import { encodeReport } from '../../../shared/wire/report.ts';
import type { CoordinatorEvent } from '../../core/state/events.ts';
import { reportHtml } from '../../web/report-html.ts';
import { junitXml } from './junit.ts';
import { summaryMarkdown } from './summary-md.ts';
import { traceJson } from './trace.ts';

/** The files that were written, and what went wrong with each that was not: mostly `output-not-writable`. */
export interface Written {
  readonly paths: readonly string[];
  readonly problems: readonly ShardlineError[];
}

/** A file and its content, which is made only when it is written: the forms of a large report are not all in memory at once. */
type Output = readonly [path: string, content: () => string | Promise<string>];

/** Makes the folder before anything runs, and writes a first file there: permissions alone do not show what /proc refuses. Throws `output-not-writable`. */
export async function prepareOut(dir: string): Promise<void> {
  await writing(dir, async () => {
    makeDirectory(dir);
    const probe = join(dir, `.probe.${process.pid}.tmp`);
    await writeFile(probe, '');
    await rm(probe, { force: true });
  });
}

/** Writes what machines wait for into a run's folder. */
export const writeOutputs = (report: Report, dir: string): Promise<Written> =>
  writeFiles([
    [join(dir, 'report.json'), () => encodeReport(report)],
    [join(dir, 'junit.xml'), () => junitXml(report)],
    [join(dir, 'summary.md'), () => summaryMarkdown(report)],
  ]);

/** Writes the page into a run's folder: by itself, because nothing else is to wait for it. */
export const writePage = (report: Report, dir: string): Promise<Written> =>
  writeFiles([[join(dir, 'report.html'), () => reportHtml(report)]]);

/** Writes what was asked for. `readEvents` gives what is recorded of the run. */
export function writeCopies(
  report: Report,
  { json, junitXml: junit, html, trace }: Copies,
  readEvents: () => Promise<readonly CoordinatorEvent[]>,
): Promise<Written> {
  const copy = (path: string | null, content: Output[1]): readonly Output[] => (path === null ? [] : [[path, content]]);
  return writeFiles([
    ...copy(json, () => encodeReport(report)),
    ...copy(junit, () => junitXml(report)),
    ...copy(html, () => reportHtml(report)),
    ...copy(trace, async () => traceJson(report, await readEvents())),
  ]);
}

async function writeFiles(outputs: readonly Output[]): Promise<Written> {
  const paths: string[] = [];
  const problems: ShardlineError[] = [];
  for (const [path, content] of outputs) {
    try {
      const text = await content();
      await writing(path, () => replaceFile(path, text));
      paths.push(path);
    } catch (thrown) {
      problems.push(
        thrown instanceof ShardlineError ? thrown : new ShardlineError('internal', { problem: messageOf(thrown) }, { cause: thrown }),
      );
    }
  }
  return { paths, problems };
}

async function replaceFile(path: string, content: string): Promise<void> {
  makeDirectory(dirname(path));
  const unfinished = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(unfinished, content);
    await rename(unfinished, path);
  } catch (thrown) {
    // Half a file would keep space from those that follow.
    await rm(unfinished, { force: true }).catch(() => undefined);
    throw thrown;
  }
}

async function writing(path: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (thrown) {
    throw new ShardlineError('output-not-writable', { path, problem: reasonOf(thrown) }, { cause: thrown });
  }
}
