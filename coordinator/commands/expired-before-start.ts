// A run whose deadline came before it was open: nothing of it ran, and its report says of everything that is known that it did not.

import { isAbsolute, normalize, relative, sep } from 'node:path';
import { fileOf, nodeId, shardId, type TestFile } from '../../shared/domain/ids.ts';
import type { Selector, Shard } from '../../shared/domain/shard.ts';
import type { Timings } from '../../shared/domain/timings.ts';
import { NO_AFFINITY } from '../core/plan/affinity.ts';
import { estimateFiles } from '../core/plan/estimate.ts';
import { knownBelow, knownTests } from '../core/result/not-run.ts';
import type { CoordinatorEvent, Deadline, KnownTests, RunOpened } from '../core/state/events.ts';
import type { DiscoveredSuite } from '../ports.ts';
import type { Known } from './prepare-run.ts';
import type { Setting } from './run-context.ts';
import { openingOf, specOf } from './run-spec-builder.ts';

/** All that happened: it was opened and closed for its deadline, with a shard for each file that was found, else for each path that was asked for. */
export function outOfTime(
  setting: Setting,
  paths: readonly string[],
  pytestArgs: readonly string[],
  deadline: Deadline,
  known: Known,
): readonly [RunOpened, CoordinatorEvent] {
  const { suite, timings } = known;
  const opening = openingOf(setting, deadline, {
    spec: specOf(setting, pytestArgs, null, null),
    shards: suite === null ? askedFor(setting.settings.workspace, paths, timings) : found(suite, timings),
    affinity: NO_AFFINITY,
    digests: {},
    failedWhole: [],
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

function found(suite: DiscoveredSuite, timings: Timings): readonly Shard[] {
  const seconds = estimateFiles(suite.files, timings);
  return suite.files.map(({ file, nodeids }, index) =>
    shardOf(index, nodeids === null ? { kind: 'file', file } : { kind: 'tests', file, nodeids }, seconds.get(file) ?? 0),
  );
}

/** What discovery would have made of them is not known: a path stands for all below it, and takes what the files there took before. */
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

/** As a report names things: relative, with forward slashes; `.` for what lies outside. */
function inside(workspace: string, argument: string): string {
  const [path = '', ...names] = argument.split('::');
  const own = (isAbsolute(path) ? relative(workspace, path) : normalize(path)).replaceAll(sep, '/').replace(/\/$/, '');
  const file = own === '' || own.split('/').includes('..') ? '.' : own;
  return [file as TestFile, ...names].join('::');
}
