// The outcomes of plain pytest, and how those of shardline differ from them.

import { fileOf, nodeId } from '../../shared/domain/ids.ts';
import { countedByPlainPytest } from '../../test/support/plain-pytest.ts';

/** Outcome by node id. */
export type Outcomes = ReadonlyMap<string, string>;

export async function plainOutcomes(
  python: string,
  cwd: string,
  paths: readonly string[],
): Promise<{ outcomes: Outcomes; seconds: number }> {
  const startedAt = Date.now();
  const { outcomes } = await countedByPlainPytest(python, cwd, paths);
  return { outcomes: new Map(Object.entries(outcomes)), seconds: (Date.now() - startedAt) / 1000 };
}

/** The node ids whose outcomes differ. */
export function compare(plain: Outcomes, sharded: Outcomes): readonly string[] {
  const nodeids = new Set([...plain.keys(), ...sharded.keys()]);
  return [...nodeids].filter((nodeid) => plain.get(nodeid) !== sharded.get(nodeid));
}

/** The outcomes of plain pytest for the files of these tests, each file run alone. */
export async function aloneOutcomes(python: string, workspace: string, nodeids: readonly string[]): Promise<Outcomes> {
  const files = new Set(nodeids.map((nodeid) => fileOf(nodeId(nodeid))));
  const outcomes = new Map<string, string>();
  for (const file of files)
    for (const [nodeid, outcome] of (await plainOutcomes(python, workspace, [file])).outcomes) outcomes.set(nodeid, outcome);
  return outcomes;
}

/** `3700 passed, 3 skipped`. */
export function count(outcomes: Outcomes): string {
  const counts = Map.groupBy(outcomes.values(), (outcome) => outcome);
  return [...counts].map(([outcome, all]) => `${all.length} ${outcome}`).join(', ');
}
