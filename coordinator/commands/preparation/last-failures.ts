// `--failed`: finds the last run and turns its failures into arguments of pytest.

import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { ShardlineError } from '../../../shared/errors.ts';
import { readCacheValues } from '../../../shared/pytest/cache-directory.ts';
import type { RunSettings } from '../../../shared/settings/settings.ts';
import { runFolders } from '../../../shared/system/run-place.ts';
import { failuresOf, selects } from '../../core/result/last-failures.ts';
import { readFinishedRun } from '../../record/finished-run.ts';
import { readReport } from '../../record/report-file.ts';

/** The arguments, relative to the workspace, and notes about them for the user. */
export interface LastFailures {
  readonly paths: readonly string[];
  readonly notes: readonly string[];
}

interface LastRun {
  readonly name: string;
  readonly failures: readonly string[];
  readonly notRun: number;
}

/**
 * Throws `bad-option` for a path that does not exist, `no-last-run`, `nothing-failed` if there is nothing to run, and the errors of reading
 * the run of `--baseline`.
 */
export async function lastFailures(settings: RunSettings, cwd: string): Promise<LastFailures> {
  const { workspace, paths } = settings;
  refuseMissing(workspace, paths);
  const run = await lastRun(settings, cwd);
  const places = run.failures.map((id) => ({ id, path: placeOf(workspace, id) }));
  const gone = places.flatMap(({ id, path }) => (path === null ? [id] : []));
  const notes = gone.map((id) => `skipped ${id}: it failed in ${run.name}, but its file no longer exists`);
  if (run.notRun > 0)
    notes.push(
      `${run.name} did not run ${run.notRun === 1 ? '1 test or file' : `${run.notRun} tests or files`}; --failed does not run them either`,
    );
  const wanted = places.flatMap(({ path }) => path ?? []).filter((path) => paths.length === 0 || paths.some((each) => selects(each, path)));
  if (wanted.length === 0)
    throw new ShardlineError('nothing-failed', { run: paths.length === 0 ? run.name : `${run.name} under ${paths.join(', ')}` });
  return { paths: wanted, notes };
}

/** A mistyped path would otherwise select no failure and look like success. */
function refuseMissing(workspace: string, paths: readonly string[]): void {
  const missing = paths.filter((path) => !existsSync(resolve(workspace, path.split('::')[0] ?? '')));
  if (missing.length === 0) return;
  const problem = `--failed found no file or directory ${missing.join(', ')} in ${workspace}.`;
  throw new ShardlineError('bad-option', { problem, fix: 'Correct the path, or remove it to run everything that failed.' });
}

async function lastRun({ baseline, workspace, out }: RunSettings, cwd: string): Promise<LastRun> {
  if (baseline !== null) {
    if (baseline.endsWith('.xml')) {
      const fix = 'Pass the directory of a run, or its report.json.';
      throw new ShardlineError('bad-option', { problem: `--failed cannot use ${baseline}: a JUnit file has no node ids.`, fix });
    }
    return ofReport((await readFinishedRun(baseline, cwd)).report, baseline);
  }
  return (await newestReport(workspace, out)) ?? (await pytestsOwn(workspace)) ?? refuse(workspace);
}

const ofReport = (report: Parameters<typeof failuresOf>[0], name: string): LastRun => ({
  name,
  failures: failuresOf(report),
  notRun: report.notRun.filter(({ reason }) => reason !== 'maxfail' && reason !== 'collect-error').length,
});

function refuse(workspace: string): never {
  throw new ShardlineError('no-last-run', { workspace });
}

/** Searches the reports in the workspace and in the folder that this run will write. */
async function newestReport(workspace: string, out: string | null): Promise<LastRun | null> {
  const newest = await firstReport(await runFolders(workspace));
  const former = out === null ? null : await firstReport([out]);
  const report = former !== null && (newest === null || newest.startedAt < former.startedAt) ? former : newest;
  return report === null ? null : ofReport(report, `run ${report.runId}`);
}

/** Skips a run that is still on, because it has no report yet. */
async function firstReport(folders: readonly string[]): Promise<Parameters<typeof failuresOf>[0] | null> {
  for (const folder of folders) {
    const path = join(folder, 'report.json');
    const report = await readReport(path).catch((thrown: unknown) => {
      if (thrown instanceof ShardlineError) throw thrown;
      return null;
    });
    if (report === null) continue;
    // A run that ran nothing, such as one with a mistyped option, has no information on failures.
    if (report.tests.length + report.collectErrors.length > 0) return report;
  }
  return null;
}

/** Reads plain pytest's last failures from pytest's default cache location. */
async function pytestsOwn(workspace: string): Promise<LastRun | null> {
  for (const directory of upward(workspace)) {
    const cache = join(directory, '.pytest_cache');
    if (!existsSync(cache)) continue;
    return { name: `pytest's cache in ${cache}`, failures: (await readCacheValues(cache)).lastfailed, notRun: 0 };
  }
  return null;
}

/** The ids as paths relative to the workspace; null if a file of them does not exist. */
export function placesOf(workspace: string, ids: readonly string[]): readonly string[] | null {
  const places = ids.map((id) => placeOf(workspace, id));
  return places.every((place) => place !== null) ? places : null;
}

/** An id is relative to pytest's rootdir, which is the workspace or a directory above it. Returns null if the file no longer exists. */
function placeOf(workspace: string, id: string): string | null {
  const [file = '', ...names] = id.split('::');
  for (const directory of upward(workspace)) {
    const path = join(directory, file);
    if (existsSync(path)) return [relative(workspace, path) || '.', ...names].join('::');
  }
  return null;
}

function upward(directory: string): readonly string[] {
  const parent = dirname(directory);
  return parent === directory ? [directory] : [directory, ...upward(parent)];
}
