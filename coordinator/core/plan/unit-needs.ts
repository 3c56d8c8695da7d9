// Gives units what their tests need, by the marks that were found before and by the patterns of the configuration. Tests of one file that
// need different things become different units, unless the file must stay whole.

import type { NodeId, TestFile } from '../../../shared/domain/ids.ts';
import { allNeeds, isNone, type Needs, NO_NEEDS, needsKey, shardNeeds } from '../../../shared/domain/needs.ts';
import type { Selector } from '../../../shared/domain/shard.ts';
import type { Timings } from '../../../shared/domain/suite/timings.ts';
import { sum } from '../../../shared/numbers.ts';
import type { Affinity } from './affinity.ts';
import { isNamedBy } from './estimate.ts';
import type { EstimatedUnit } from './plan.ts';

/** What is known of the needs of tests before they run. */
export interface KnownNeeds {
  /** What every test of the file needs. */
  readonly ofFile: (file: TestFile) => Needs;
  /** What single tests need beside that. A test without an entry needs nothing, or is not known. */
  readonly ofTests: (file: TestFile) => ReadonlyMap<NodeId, Needs>;
}

export const NONE_KNOWN: KnownNeeds = { ofFile: () => NO_NEEDS, ofTests: () => new Map() };

/** Every test is in exactly one unit of the result, and with it what it needs. */
export const unitsWithNeeds = (
  units: readonly EstimatedUnit[],
  known: KnownNeeds,
  { unit: kind }: Pick<Affinity, 'unit'>,
  timings: Timings,
): readonly EstimatedUnit[] => units.flatMap((unit) => (kind === 'test' ? divided(unit, known, timings) : null) ?? [withAll(unit, known)]);

/** The unit with everything that one of its tests needs. */
function withAll(unit: EstimatedUnit, known: KnownNeeds): EstimatedUnit {
  const needs = shardNeeds(...unit.selectors.flatMap((selector) => [known.ofFile(selector.file), ...needsIn(selector, known)]));
  return isNone(needs) ? unit : { ...unit, needs };
}

function needsIn(selector: Selector, known: KnownNeeds): readonly Needs[] {
  const tests = known.ofTests(selector.file);
  const names = selector.kind === 'tests' ? selector.nodeids : selector.kind === 'part' ? selector.only : null;
  return [...tests].filter(([id]) => names === null || names.some((name) => isNamedBy(id, name))).map(([, needs]) => needs);
}

/** null if all of the file's tests are known to need the same, or the unit is not one file. The last part also takes unknown tests. */
function divided(unit: EstimatedUnit, known: KnownNeeds, timings: Timings): readonly EstimatedUnit[] | null {
  const [selector] = unit.selectors;
  if (selector?.kind !== 'file' || unit.selectors.length > 1) return null;
  const { file } = selector;
  const tests = known.ofTests(file);
  if (tests.size === 0) return null;
  const own = known.ofFile(file);
  const timing = timings.get(file);
  const groups = Map.groupBy(tests, ([, needs]) => needsKey(allNeeds(own, needs)));
  const others = [...(timing?.tests.keys() ?? [])].filter((id) => !tests.has(id));
  if (groups.size === 1 && others.length === 0 && (timing?.tests.size ?? 0) > 0) return null;
  const secondsOf = (ids: readonly NodeId[]): number => (timing === undefined ? 0 : sum(ids.map((id) => timing.tests.get(id) ?? 0)));
  const overhead = timing === undefined ? 0 : timing.collectSeconds + timing.fixtureSeconds;
  const parts = [...groups.values()].map((group): EstimatedUnit => {
    const ids = group.map(([id]) => id);
    const needs = shardNeeds(own, ...group.map(([, each]) => each));
    return { selectors: [{ kind: 'part', file, only: ids, except: [] }], seconds: secondsOf(ids) + overhead, needs };
  });
  const rest: EstimatedUnit = {
    selectors: [{ kind: 'part', file, only: null, except: [...tests.keys()] }],
    seconds: secondsOf(others) + overhead,
    ...(isNone(own) ? {} : { needs: shardNeeds(own) }),
  };
  return [...parts, rest];
}
