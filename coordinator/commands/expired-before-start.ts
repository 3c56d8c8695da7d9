// Handles a run whose deadline passed before the run was open: nothing ran, and the report marks everything that is known as not run.

import { isAbsolute, normalize, relative, sep } from 'node:path';
import { fileOf, nodeId, shardId, type TestFile } from '../../shared/domain/ids.ts';
import type { SuitePart } from '../../shared/domain/part.ts';
import type { RunOrigin } from '../../shared/domain/report.ts';
import type { Selector, Shard } from '../../shared/domain/shard.ts';
import type { Timings } from '../../shared/domain/suite/timings.ts';
import { NO_AFFINITY } from '../core/plan/affinity.ts';
import { divide } from '../core/plan/divide.ts';
import { estimateFiles } from '../core/plan/estimate.ts';
import { knownBelow, knownTests } from '../core/result/not-run.ts';
import type { Deadline, KnownTests, OwnEvent, RunOpened } from '../core/state/events.ts';
import type { DiscoveredSuite } from '../ports.ts';
import { partOf } from './preparation/part.ts';
import type { Known } from './prepare-run.ts';
import type { Setting } from './run-context.ts';
import { openingOf, specOf } from './run-spec-builder.ts';

/**
 * Returns the two events of such a run: its opening, and its closing for the deadline. The run has one shard per discovered file, or per
 * requested path if discovery did not finish.
 */
export function outOfTime(
  setting: Setting,
  origin: RunOrigin,
  paths: readonly string[],
  pytestArgs: readonly string[],
  deadline: Deadline,
  known: Known,
): readonly [RunOpened, OwnEvent] {
  const { suite, timings } = known;
  const part = partKnown(setting, known, pytestArgs);
  const isOwn = part === null || suite === null ? () => true : (file: TestFile) => part.own.includes(file);
  const opening = openingOf(setting, deadline, {
    spec: specOf(setting, pytestArgs, null, null),
    shards:
      suite === null
        ? askedFor(setting.settings.workspace, paths, timings)
        : found(suite, timings).filter(({ selectors }) => selectors.every(({ file }) => isOwn(file))),
    affinity: NO_AFFINITY,
    part,
    origin,
    digests: {},
    resources: {},
    onlyAgents: null,
    failedWhole: [],
    companions: [],
    loads: [],
    acceptsNoTests: false,
    junitXml: null,
    knownTests: suite === null ? askedTests(setting.settings.workspace, paths, timings) : knownTests(suite.files, timings),
    coverage: null,
    cache: null,
    python: suite?.fingerprint ?? null,
    failureChances: {},
    collectErrors: suite?.collectErrors ?? [],
    preparation: { setupSeconds: (Date.now() - setting.startedAt) / 1000, discoverySeconds: 0 },
  });
  const why = { kind: 'stopped', notRun: 'deadline', by: 'deadline' } as const;
  return [opening, { kind: 'run-closed', at: opening.at, why }];
}

/** The part as far as the suite is known; it binds no files together. */
function partKnown(setting: Setting, { suite, timings }: Known, pytestArgs: readonly string[]): SuitePart | null {
  const { shard } = setting.settings;
  if (shard === null) return null;
  if (suite === null) return { ...partOf(setting, shard, [], pytestArgs, []), digest: '' };
  const seconds = estimateFiles(suite.files, timings);
  const units = suite.files.map(({ file }) => ({ selectors: [{ kind: 'file', file } as const], seconds: seconds.get(file) ?? 0 }));
  return partOf(setting, shard, suite.files, pytestArgs, divide(units, shard.total));
}

function found(suite: DiscoveredSuite, timings: Timings): readonly Shard[] {
  const seconds = estimateFiles(suite.files, timings);
  return suite.files.map(({ file, nodeids }, index) =>
    shardOf(index, nodeids === null ? { kind: 'file', file } : { kind: 'tests', file, nodeids }, seconds.get(file) ?? 0),
  );
}

/** Discovery's result is unknown here. A path represents all files below it, and its duration is what those files took before. */
function askedFor(workspace: string, paths: readonly string[], timings: Timings): readonly Shard[] {
  return asked(workspace, paths).map((path, index) => {
    const id = nodeId(path);
    const file = fileOf(id);
    const below = [...timings].filter(([known]) => file === '.' || known === file || known.startsWith(`${file}/`));
    const seconds = below.reduce((sum, [, timing]) => sum + timing.seconds, 0);
    return shardOf(index, id === (file as string) ? { kind: 'file', file } : { kind: 'tests', file, nodeids: [id] }, seconds);
  });
}

const askedTests = (workspace: string, paths: readonly string[], timings: Timings): KnownTests =>
  Object.assign({}, ...asked(workspace, paths).map((path) => knownBelow(fileOf(nodeId(path)), timings)));

const asked = (workspace: string, paths: readonly string[]): readonly string[] => [
  ...new Set((paths.length === 0 ? ['.'] : paths).map((path) => inside(workspace, path))),
];

const shardOf = (index: number, selector: Selector, predictedSeconds: number): Shard => ({
  id: shardId(index + 1),
  selectors: [selector],
  predictedSeconds,
});

/** Formats a path as reports do: relative, with forward slashes; `.` for a path outside the workspace. */
function inside(workspace: string, argument: string): string {
  const [path = '', ...names] = argument.split('::');
  const own = (isAbsolute(path) ? relative(workspace, path) : normalize(path)).replaceAll(sep, '/').replace(/\/$/, '');
  const file = own === '' || own.split('/').includes('..') ? '.' : own;
  return [file as TestFile, ...names].join('::');
}
