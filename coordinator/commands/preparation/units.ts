// Turns a discovered suite into the units that plans are made of: files with estimates, united where they belong together.

import picomatch from 'picomatch';
import type { NodeId, TestFile } from '../../../shared/domain/ids.ts';
import { allNeeds, type Needs } from '../../../shared/domain/needs.ts';
import type { Timings } from '../../../shared/domain/suite/timings.ts';
import type { ResourceRule } from '../../../shared/settings/resources.ts';
import type { RunSettings } from '../../../shared/settings/settings.ts';
import { type Affinity, affinityOf, unite } from '../../core/plan/affinity.ts';
import type { DiscoveredFile } from '../../core/plan/discovered-file.ts';
import { estimateFiles } from '../../core/plan/estimate.ts';
import type { EstimatedUnit } from '../../core/plan/plan.ts';
import type { KnownNeeds } from '../../core/plan/unit-needs.ts';
import type { DiscoveredSuite } from '../../ports.ts';

export interface SuiteUnits {
  readonly units: readonly EstimatedUnit[];
  readonly affinity: Affinity;
}

/** `failed`: named tests may no longer exist. */
export function suiteUnits(
  { failed, shardTogether }: Pick<RunSettings, 'failed' | 'shardTogether'>,
  suite: DiscoveredSuite,
  timings: Timings,
): SuiteUnits {
  const seconds = estimateFiles(suite.files, timings);
  const affinity = affinityOf(suite.dist, [...suite.together, ...matching(suite.files, shardTogether)]);
  const files = suite.files.map(
    ({ file, nodeids }): EstimatedUnit => ({
      selectors: [nodeids === null ? { kind: 'file', file } : { kind: 'tests', file, nodeids, ...(failed ? { mayMiss: true } : {}) }],
      seconds: seconds.get(file) ?? 0,
    }),
  );
  return { units: unite(files, affinity), affinity };
}

/** What is known of the suite's needs: patterns of the configuration, and marks that earlier runs found. */
export function needsBefore(rules: readonly ResourceRule[], timings: Timings): KnownNeeds {
  const patterns = rules.flatMap(({ name, tests }) =>
    tests.length === 0 ? [] : [{ name, matches: picomatch([...tests], { dot: true }) }],
  );
  const none = new Map<NodeId, Needs>();
  return {
    ofFile: (file) =>
      allNeeds({ labels: [], resources: patterns.filter(({ matches }) => matches(file)).map(({ name }) => ({ name, units: 1 })) }),
    ofTests: (file) => timings.get(file)?.needs ?? none,
  };
}

/** Returns the files that match each set of patterns. */
function matching(files: readonly DiscoveredFile[], sets: readonly (readonly string[])[]): readonly (readonly TestFile[])[] {
  return sets.map((patterns) => {
    const matches = picomatch([...patterns], { dot: true });
    return files.map(({ file }) => file).filter((file) => matches(file));
  });
}
