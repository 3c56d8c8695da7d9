// What to change in a suite, and how much each change could win: an upper limit, from measured times, for one run on the workers at hand.

import type { TestFile } from '../../../shared/domain/ids.ts';
import type { Sharded } from './findings.ts';
import type { ImportedPackage } from './import-times.ts';
import type { MeasuredFixture, Measurement } from './measurement.ts';
import type { Prediction } from './predict.ts';

/** `seconds` that a run is shorter, at most; of `adopt` alone it was measured. */
export type Change = { readonly seconds: number } & (
  | { readonly kind: 'adopt' }
  | { readonly kind: 'agents'; readonly agents: number }
  | { readonly kind: 'import'; readonly imported: ImportedPackage }
  /** Modules of the suite itself do work when they are imported. */
  | { readonly kind: 'own-imports'; readonly packages: readonly ImportedPackage[]; readonly selfSeconds: number }
  | { readonly kind: 'fixture'; readonly fixture: MeasuredFixture }
  | { readonly kind: 'longest'; readonly file: string }
  | { readonly kind: 'serial' }
);

/** Two executions that differ by less than this part were as fast as each other. */
export const NOISE = 0.05;
/** Less than this part of a run, and less than this many seconds, is not worth a change. */
const LEAST_SHARE = 0.02;
const LEAST_SECONDS = 0.05;
const SHOWN = 8;

export interface ChangesInput {
  readonly basis: Measurement;
  readonly parallel: Measurement | null;
  readonly sharded: Sharded | null;
  readonly prediction: Prediction | null;
  readonly imports: readonly ImportedPackage[];
  readonly workers: number;
}

export function changesOf(input: ChangesInput): readonly Change[] {
  const { basis, parallel, sharded } = input;
  const takes = sharded?.seconds ?? parallel?.seconds ?? basis.seconds;
  const all = [...adopt(input), ...moreAgents(input), ...imports(input), ...fixtures(input), ...longest(input), ...serial(input)];
  return all
    .filter(({ seconds }) => seconds >= Math.max(LEAST_SECONDS, LEAST_SHARE * takes))
    .sort((left, right) => right.seconds - left.seconds)
    .slice(0, SHOWN);
}

function adopt({ basis, parallel, sharded }: ChangesInput): readonly Change[] {
  const now = parallel ?? basis;
  return sharded === null || now.isPartial || now.seconds < (1 + NOISE) * sharded.seconds
    ? []
    : [{ kind: 'adopt', seconds: now.seconds - sharded.seconds }];
}

/** Up to the point where more stop helping. */
function moreAgents({ prediction }: ChangesInput): readonly Change[] {
  const [one] = prediction?.rows ?? [];
  const best = prediction?.rows.find(({ agents }) => agents === prediction.knee) ?? prediction?.rows.at(-1);
  return one === undefined || best === undefined ? [] : [{ kind: 'agents', agents: best.agents, seconds: one.seconds - best.seconds }];
}

/** Every worker imports a library by itself, at the same time; modules of the suite are divided among them. What pytest itself needs is no choice. */
function imports({ basis, imports: all, workers }: ChangesInput): readonly Change[] {
  const names = new Set([...basis.files.keys()].flatMap(topNames));
  const chosen = all.filter(({ importer }) => importer !== null);
  const packages = chosen.filter(({ name }) => names.has(name)).sort((left, right) => right.selfSeconds - left.selfSeconds);
  const selfSeconds = packages.reduce((sum, each) => sum + each.selfSeconds, 0);
  return [
    { kind: 'own-imports', packages, selfSeconds, seconds: selfSeconds / workers },
    ...chosen
      .filter(({ name }) => !names.has(name))
      .map((imported): Change => ({ kind: 'import', imported, seconds: imported.totalSeconds })),
  ];
}

/** What the modules in a test file's folders may be called at their top. */
const topNames = (file: TestFile): readonly string[] => file.replace(/\.py$/, '').split('/');

/** Without it: set-ups are divided among the workers, but for a session's, which each worker does by itself. */
function fixtures({ basis, workers }: ChangesInput): readonly Change[] {
  return basis.fixtures.map((fixture): Change => {
    const times = Math.max(1, fixture.count);
    return { kind: 'fixture', fixture, seconds: fixture.seconds / (fixture.scope === 'session' ? times : Math.min(workers, times)) };
  });
}

/** Where one shard is longer than every worker's even share of the work. */
function longest({ basis, prediction, workers }: ChangesInput): readonly Change[] {
  if (prediction === null) return [];
  const { longestSeconds, longest: file, serialSeconds } = prediction.floor;
  const work = [...basis.files.values(), ...[...basis.tests.values()].map(({ seconds }) => seconds)].reduce((sum, each) => sum + each, 0);
  return [{ kind: 'longest', file, seconds: longestSeconds - (work - serialSeconds) / workers }];
}

function serial({ prediction, workers }: ChangesInput): readonly Change[] {
  return prediction === null ? [] : [{ kind: 'serial', seconds: prediction.floor.serialSeconds * (1 - 1 / workers) }];
}
