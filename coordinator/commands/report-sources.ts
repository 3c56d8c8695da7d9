// Reads the runs that `shardline report` is about.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentId } from '../../shared/domain/ids.ts';
import type { Report } from '../../shared/domain/report.ts';
import { ShardlineError } from '../../shared/errors.ts';
import type { ReportSettings } from '../../shared/settings/settings.ts';
import { newestRun, runsBelow, runsOf } from '../../shared/system/run-place.ts';
import { inWords } from '../../shared/text/safe-text.ts';
import { shellCommand } from '../../shared/text/shell-quote.ts';
import type { Baseline } from '../core/result/compare.ts';
import { mergeReports, ownAgentNames } from '../core/result/parts/merge-reports.ts';
import { type CoordinatorEvent, withAgent } from '../core/state/events.ts';
import { baselineOf, readBaseline } from '../record/baseline.ts';
import { type FinishedRun, readFinishedRun } from '../record/finished-run.ts';
import { type Places, placesIn, type Recorded, shortest } from '../report-places.ts';
import { combineParts } from './coverage/combine-parts.ts';
import type { CombinedRun } from './coverage/combine-run.ts';

export interface Sources {
  /** The runs that the report is about. */
  readonly runs: readonly FinishedRun[];
  readonly report: Report;
  readonly baseline: Baseline | null;
  /** The combined coverage of merged parts; null without any. */
  readonly combined: Pick<CombinedRun, 'table' | 'paths'> | null;
  readonly places: Places;
}

/**
 * Returns the run to show and the baseline to compare it with. If two runs are not merged, the first is the earlier one. Throws `no-run`,
 * `holds-runs`, and the errors of reading a run.
 */
export async function readSources(settings: ReportSettings, cwd: string): Promise<Sources> {
  const sources = settings.sources.length > 0 ? settings.sources : [await newestRun(settings.workspace)];
  const given = settings.baseline === null ? null : await readBaseline(settings.baseline, cwd);
  const { runs, unreadable } = await readRuns(sources, cwd, settings.merge);
  const [first, ...others] = runs;
  if (first === undefined) throw new ShardlineError('no-run', { folder: runsOf(settings.workspace) });
  const [second] = others;
  // One part alone is not the whole suite, which only a merge can tell.
  if (second === undefined && !(settings.merge && first.report.part !== null)) {
    return { combined: null, runs: [first], report: first.report, baseline: given, places: placesOfRun(first, cwd) };
  }
  if (second !== undefined && !settings.merge)
    return {
      combined: null,
      runs: [second],
      report: second.report,
      baseline: baselineOf(first.report, sources[0] ?? ''),
      places: placesOfRun(second, cwd),
    };
  const reports = [first.report, ...others.map(({ report }) => report)] as const;
  const merged = mergeReports(reports, { unreadable });
  const combined = await combineParts(runs, merged, settings);
  const report = combined === null ? merged : mergeReports(reports, { unreadable, coverage: combined.coverage });
  const names = ownAgentNames(reports);
  const renamedRuns = runs.map((run, index): FinishedRun => {
    const ofRun = (agent: AgentId): AgentId => names(agent, index);
    return { ...run, events: () => renamed(run.events(), ofRun) };
  });
  const json = settings.copies.json === null ? null : shortest(settings.copies.json, cwd);
  const places = { json, isNewest: false, recorded: recordedIn(runs, names, cwd) };
  return { runs: renamedRuns, report, baseline: given, combined, places };
}

function placesOfRun({ folder, hasEvents }: FinishedRun, cwd: string): Places {
  const places = placesIn(shortest(folder, cwd), false);
  return {
    ...places,
    json: existsSync(join(folder, 'report.json')) ? places.json : null,
    recorded: (agent) => (hasEvents ? places.recorded(agent) : null),
  };
}

/** Finds the agents of a merged report in the runs that it merges, where they have their own names. */
function recordedIn(runs: readonly FinishedRun[], names: ReturnType<typeof ownAgentNames>, cwd: string): Places['recorded'] {
  const known = new Map<string, Recorded>(
    runs.flatMap(({ report, folder, hasEvents }, index) =>
      hasEvents ? report.agents.map(({ id }) => [names(id, index), { folder: shortest(folder, cwd), agent: id }] as const) : [],
    ),
  );
  return (agent) => known.get(agent) ?? null;
}

interface ReadRuns {
  readonly runs: readonly FinishedRun[];
  /** What is wrong with the other sources, as messages. */
  readonly unreadable: readonly string[];
}

/** A killed part may leave nothing that can be read: the merge of the other parts names it. Any other source must be readable. */
async function readRuns(sources: readonly string[], cwd: string, merge: boolean): Promise<ReadRuns> {
  const runs: FinishedRun[] = [];
  const failures: { readonly source: string; readonly error: ShardlineError }[] = [];
  for (const [place, outcome] of (await Promise.allSettled(sources.map((source) => readFinishedRun(source, cwd)))).entries()) {
    const source = sources[place] ?? '';
    if (outcome.status === 'fulfilled') {
      runs.push(outcome.value);
      continue;
    }
    const { reason: error } = outcome;
    if (!(error instanceof ShardlineError) || error.code !== 'not-a-result') throw error;
    const below = runsBelow(source, cwd);
    if (below.length > 0) throw holdsRuns(source, below);
    failures.push({ source, error });
  }
  const [failure] = failures;
  if (failure !== undefined && !(merge && runs.some(({ report }) => report.part !== null))) throw failure.error;
  return { runs, unreadable: failures.map(({ source, error }) => `could not read ${source}: ${error.values.problem}`) };
}

function holdsRuns(source: string, below: readonly string[]): ShardlineError {
  const folder = source.replace(/[\\/]+\*?$/, '');
  const paths = below.map((name) => join(folder, name));
  return new ShardlineError('holds-runs', {
    path: folder,
    runs: inWords(below),
    command: shellCommand(['shardline', 'report', ...(paths.length > 1 ? ['--merge'] : []), ...paths]),
  });
}

async function* renamed(events: AsyncIterable<CoordinatorEvent>, ofRun: (agent: AgentId) => AgentId): AsyncGenerator<CoordinatorEvent> {
  for await (const event of events) yield withAgent(event, ofRun);
}
