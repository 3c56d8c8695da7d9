// Runs one suite in several ways and reports how they differ from plain pytest.

import { environmentPython, testPython } from '../support/python.ts';
import { ALWAYS, type Difference, differences } from './compare.ts';
import type { Observation } from './observation.ts';
import { outcomes } from './observation.ts';
import { runPytest } from './plain.ts';
import { runShardline } from './sharded.ts';
import type { Aspect, OracleSuite, Step } from './suite.ts';
import type { Way } from './ways.ts';
import { openWorkspace, type Workspace } from './workspace.ts';

/** One run of one step: the truth, the observation, and their differences. */
export interface Judged {
  readonly way: string;
  readonly pass: number;
  readonly step: number;
  readonly truth: Observation;
  readonly seen: Observation;
  readonly differences: readonly Difference[];
}

export interface Verdict {
  /** How plain pytest differs from the result that the suite calls right. Such a suite does not show its fault. */
  readonly wrong: readonly string[];
  /** The runs of plain pytest in the first pass, step by step. */
  readonly truth: readonly Observation[];
  readonly judged: readonly Judged[];
}

/** Runs the suite with plain pytest, and then in each of these ways. */
export async function judge(suite: OracleSuite, ways: readonly Way[]): Promise<Verdict> {
  const python = suite.plugins.length === 0 ? testPython() : environmentPython('oracle');
  const passes = Math.max(1, ...ways.map((way) => way.passes));
  const truth = await runPasses(suite, passes, (step, workspace) => runPytest(suite, step, workspace, python));
  const judged: Judged[] = [];
  for (const way of ways) {
    const { fleet } = way;
    const seen = await runPasses(suite, way.passes, (step, workspace) =>
      fleet === null ? runPytest(suite, step, workspace, python, ['-n', '2']) : runShardline(suite, step, workspace, python, fleet),
    );
    const compared = comparedIn(suite, way);
    for (const [pass, steps] of seen.entries()) {
      for (const [step, observation] of steps.entries()) {
        const expected = truth[pass]?.[step];
        if (expected === undefined) throw new Error(`no truth for pass ${pass} of step ${step}`);
        const found = differences(expected, observation, compared);
        judged.push({ way: way.name, pass, step, truth: expected, seen: observation, differences: found });
      }
    }
  }
  const first = truth[0] ?? [];
  const wrong = [...suite.steps.flatMap((step, index) => wrongIn(step, index, first[index])), ...unsteady(truth)];
  return { wrong, truth: first, judged };
}

/** Every difference as one line of text; empty if all ways agree with plain pytest. */
export const problemsOf = ({ wrong, judged }: Verdict): string[] => [
  ...wrong,
  ...judged.flatMap(({ way, pass, step, differences: found }) =>
    found.flatMap(({ aspect, lines }) => lines.map((line) => `${way}, run ${pass + 1}, step ${step + 1}: ${aspect}: ${line}`)),
  ),
];

/**
 * Runs all steps in one directory. A suite of one step runs once for each pass: its files are restored, but the memory of the last run stays. A suite
 * of several steps defines itself what is repeated.
 */
async function runPasses(
  suite: OracleSuite,
  passes: number,
  run: (step: Step, workspace: Workspace) => Promise<Observation>,
): Promise<Observation[][]> {
  using workspace = openWorkspace(suite);
  const all: Observation[][] = [];
  for (let pass = 0; pass < (suite.steps.length === 1 ? passes : 1); pass += 1) {
    const observed: Observation[] = [];
    if (pass > 0) workspace.restore();
    for (const step of suite.steps) {
      workspace.write(step.write);
      observed.push(await run(step, workspace));
    }
    all.push(observed);
  }
  return all;
}

function comparedIn(suite: OracleSuite, way: Way): Aspect[] {
  const documented = suite.differs.filter((each) => each.in.some((group) => way.groups.includes(group))).flatMap((each) => each.aspects);
  return [...ALWAYS, ...suite.also].filter((aspect) => !documented.includes(aspect));
}

function wrongIn({ right }: Step, index: number, truth: Observation | undefined): string[] {
  if (right === undefined) return [];
  const said = JSON.stringify([right.exit, outcomes.map((outcome) => right.counts[outcome] ?? 0), right.collectErrors]);
  const got = JSON.stringify([truth?.exitCode, outcomes.map((outcome) => truth?.counts[outcome] ?? 0), truth?.collectErrors]);
  return said === got
    ? []
    : [`plain pytest, step ${index + 1}: ${got} instead of the right ${said} (exit code, ${outcomes.join(', ')}, collection errors)`];
}

/** The differences between two runs of plain pytest: a suite that has any proves nothing. */
function unsteady(truth: readonly (readonly Observation[])[]): string[] {
  const [first, second] = [truth[0]?.[0], truth[1]?.[0]];
  if (first === undefined || second === undefined) return [];
  return differences(first, second, ALWAYS).flatMap(({ aspect, lines }) => lines.map((line) => `plain pytest, run 2: ${aspect}: ${line}`));
}
