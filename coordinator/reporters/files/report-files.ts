// Writes a run's output files. Each file is written to a temporary path and renamed, so readers only see complete files. If one file cannot
// be written, the others still are.

import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report } from '../../../shared/domain/report.ts';
import { messageOf, reasonOf, ShardlineError } from '../../../shared/errors.ts';
import type { Copies } from '../../../shared/settings/settings.ts';
import { makeDirectory } from '../../../shared/system/files/make-directory.ts';
import { replaceFile } from '../../../shared/system/files/replace-file.ts';
import { encodeReport } from '../../../shared/wire/report/report.ts';
import { OWN_FOLDER, type Places, placesIn } from '../../report-places.ts';
import { reportHtml } from '../../web/report-html.ts';
import type { Reporter, Written } from '../reporter.ts';
import { junitXml } from './junit.ts';
import { summaryMarkdown } from './summary-md.ts';
import { traceJson } from './trace.ts';
import { createTraceMarks } from './trace-marks.ts';

/**
 * A path and a function that makes its content, whole or in pieces. The content is made just before it is written, so that not all forms of
 * a large report are in memory at once.
 */
type Content = string | Iterable<string> | Promise<string>;
type Output = readonly [path: string, content: () => Content];

/**
 * Creates the output directory before anything runs, and writes a first file to it: permission bits alone do not show that a file system
 * such as /proc rejects writes. Throws `output-not-writable`.
 */
export async function prepareOut(dir: string): Promise<void> {
  await writing(dir, async () => {
    makeDirectory(dir);
    const probe = join(dir, `.probe.${randomUUID()}.tmp`);
    await writeFile(probe, '', { flag: 'wx' });
    await rm(probe, { force: true });
  });
}

/** Writes the machine-readable outputs to the run's directory. */
export const resultFiles = (dir: string, places: Places): Reporter => ({
  finish: (report) =>
    writeFiles([
      [join(dir, 'report.json'), () => encodeReport(report)],
      [join(dir, 'junit.xml'), () => junitXml(report)],
      [join(dir, 'summary.md'), () => summaryMarkdown(report, places)],
    ]),
});

/** Writes report.html to the run's directory. `isNewest`: see `Places`. It is a reporter of its own so that nothing else waits for it. */
export const resultPage = (dir: string, isNewest: boolean): Reporter => ({
  finish: (report) => writeFiles([[join(dir, 'report.html'), () => reportHtml(report, placesIn(OWN_FOLDER, isNewest))]]),
});

/** Writes the copies that the user requested. */
export function copyFiles({ json, junitXml: junit, html, trace }: Copies, places: Places): readonly Reporter[] {
  const copy = (path: string | null, content: (report: Report) => Content): readonly Reporter[] =>
    path === null ? [] : [{ finish: (report) => writeFiles([[path, () => content(report)]]) }];
  return [
    ...copy(json, encodeReport),
    ...copy(junit, junitXml),
    ...copy(html, (report) => reportHtml(report, places)),
    ...(trace === null ? [] : [traceFile(trace)]),
  ];
}

function traceFile(path: string): Reporter {
  const marks = createTraceMarks();
  return {
    observe: (event) => marks.observe(event),
    finish: (report) => writeFiles([[path, () => traceJson(report, marks.all())]]),
  };
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

async function writing(path: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (thrown) {
    throw new ShardlineError('output-not-writable', { path, problem: reasonOf(thrown) }, { cause: thrown });
  }
}
