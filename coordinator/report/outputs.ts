// The files a run leaves. Whoever reads one finds a whole one: each is written beside its place and moved there.

import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, ShardlineError } from '../../shared/errors.ts';
import type { Report } from '../../shared/report.ts';
import type { Copies } from '../../shared/settings.ts';
import { makeDirectory } from '../../shared/system/make-directory.ts';
import { encodeReport } from '../../shared/wire/report.ts';
import type { CoordinatorEvent } from '../core/events.ts';
import { junitXml } from './junit.ts';
import { reportHtml } from './report-html.ts';
import { summaryMarkdown } from './summary-md.ts';
import { traceJson } from './trace.ts';

/** Makes the folder before anything runs, and writes a first file there: permissions alone do not show what /proc refuses. Throws `output-not-writable`. */
export async function prepareOut(dir: string): Promise<void> {
  await writing(dir, async () => {
    makeDirectory(dir);
    const probe = join(dir, `.probe.${process.pid}.tmp`);
    await writeFile(probe, '');
    await rm(probe, { force: true });
  });
}

/** Writes what machines wait for into a run's folder and resolves with the paths. Throws `output-not-writable`. */
export async function writeOutputs(report: Report, dir: string): Promise<readonly string[]> {
  return await writeFiles([
    [join(dir, 'report.json'), encodeReport(report)],
    [join(dir, 'junit.xml'), junitXml(report)],
    [join(dir, 'summary.md'), summaryMarkdown(report)],
  ]);
}

/** Writes the page into a run's folder: by itself, because nothing else is to wait for it. Throws `output-not-writable`. */
export async function writePage(report: Report, dir: string): Promise<readonly string[]> {
  return await writeFiles([[join(dir, 'report.html'), await reportHtml(report)]]);
}

/** Writes what was asked for and resolves with the paths. `readEvents` gives what is recorded of the run. Throws `output-not-writable`. */
export async function writeCopies(
  report: Report,
  places: Copies,
  readEvents: () => Promise<readonly CoordinatorEvent[]>,
): Promise<readonly string[]> {
  const { json, junitXml: junit, html, trace } = places;
  return await writeFiles([
    ...(json === null ? [] : [[json, encodeReport(report)] as const]),
    ...(junit === null ? [] : [[junit, junitXml(report)] as const]),
    ...(html === null ? [] : [[html, await reportHtml(report)] as const]),
    ...(trace === null ? [] : [[trace, traceJson(report, await readEvents())] as const]),
  ]);
}

async function writeFiles(files: readonly (readonly [path: string, content: string])[]): Promise<readonly string[]> {
  for (const [path, content] of files) await writing(path, () => replaceFile(path, content));
  return files.map(([path]) => path);
}

async function replaceFile(path: string, content: string): Promise<void> {
  makeDirectory(dirname(path));
  const unfinished = `${path}.${process.pid}.tmp`;
  await writeFile(unfinished, content);
  await rename(unfinished, path);
}

async function writing(path: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (thrown) {
    throw new ShardlineError('output-not-writable', { path, problem: messageOf(thrown) }, { cause: thrown });
  }
}
