// Suggests changes to a suite, each with an upper limit on the time it saves: from measured times, for one run on the available xdist
// workers.

import type { TestFile } from '../../../shared/domain/ids.ts';
import type { Sharded } from './findings.ts';
import type { ImportedPackage } from './import-times.ts';
import type { MeasuredFixture, Measurement } from './measurement.ts';
import type { Prediction } from './predict.ts';

/** `seconds` is the most that a run gets shorter. It is an upper limit for every kind but `adopt`, for which it is measured. */
export type Change = { readonly seconds: number } & (
  | { readonly kind: 'adopt' }
  | { readonly kind: 'agents'; readonly agents: number }
  | { readonly kind: 'import'; readonly imported: ImportedPackage }
  /** Modules of the suite itself do work at import. */
  | { readonly kind: 'own-imports'; readonly packages: readonly ImportedPackage[]; readonly selfSeconds: number }
  | { readonly kind: 'fixture'; readonly fixture: MeasuredFixture }
  | { readonly kind: 'longest'; readonly file: string }
  | { readonly kind: 'serial' }
);

/** Two executions that differ by less than this share count as equally fast. */
export const NOISE = 0.05;
/** A change that saves less than this share of a run, or fewer than this many seconds, is not suggested. */
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

/** Suggests agents only up to the number at which more stop helping. */
function moreAgents({ prediction }: ChangesInput): readonly Change[] {
  const [one] = prediction?.rows ?? [];
  const best = prediction?.rows.find(({ agents }) => agents === prediction.knee) ?? prediction?.rows.at(-1);
  return one === undefined || best === undefined ? [] : [{ kind: 'agents', agents: best.agents, seconds: one.seconds - best.seconds }];
}

/**
 * Each xdist worker imports a library itself, at the same time as the others, while the suite's own modules are divided among the workers.
 * The imports that pytest itself needs are left out, because the user cannot avoid them.
 */
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

/** The possible top-level names of the modules in a test file's folders. */
const topNames = (file: TestFile): readonly string[] => file.replace(/\.py$/, '').split('/');

/**
 * Computes the time saved without the fixture. Set-ups are divided among the xdist workers, except those of session fixtures, which each
 * worker runs itself.
 */
function fixtures({ basis, workers }: ChangesInput): readonly Change[] {
  return basis.fixtures.map((fixture): Change => {
    const times = Math.max(1, fixture.count);
    return { kind: 'fixture', fixture, seconds: fixture.seconds / (fixture.scope === 'session' ? times : Math.min(workers, times)) };
  });
}

/** Applies if one shard takes longer than each xdist worker's even share of the work. */
function longest({ basis, prediction, workers }: ChangesInput): readonly Change[] {
  if (prediction === null) return [];
  const { longestSeconds, longest: file, serialSeconds } = prediction.floor;
  const work = [...basis.files.values(), ...[...basis.tests.values()].map(({ seconds }) => seconds)].reduce((sum, each) => sum + each, 0);
  return [{ kind: 'longest', file, seconds: longestSeconds - (work - serialSeconds) / workers }];
}

function serial({ prediction, workers }: ChangesInput): readonly Change[] {
  return prediction === null ? [] : [{ kind: 'serial', seconds: prediction.floor.serialSeconds * (1 - 1 / workers) }];
}
