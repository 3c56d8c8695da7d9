// Plans the shards of a suite, and prints what a user should know before it runs.

import picomatch from 'picomatch';
import type { TestFile } from '../../shared/domain/ids.ts';
import type { SuitePart } from '../../shared/domain/part.ts';
import type { Timings } from '../../shared/domain/timings.ts';
import { maxAutoWorkers } from '../../shared/settings/auto-workers.ts';
import { readMachine } from '../../shared/system/machine.ts';
import type { CollectDecision } from '../core/decide/collect-choice.ts';
import type { Workforce } from '../core/decide/forecast.ts';
import { type Affinity, affinityOf, unite } from '../core/plan/affinity.ts';
import type { DiscoveredFile } from '../core/plan/discovered-file.ts';
import { filesOfPart, unitsOfPart } from '../core/plan/divide.ts';
import { estimateFiles } from '../core/plan/estimate.ts';
import { type EstimatedUnit, FIXED_SECONDS, type Plan, planShards } from '../core/plan/plan.ts';
import type { SuitePlanning } from '../core/plan/plan-suite.ts';
import { splitUnits } from '../core/plan/split.ts';
import type { DiscoveredSuite, Pools } from '../ports.ts';
import { partOf } from './preparation/part.ts';
import type { Setting } from './run-context.ts';

/** Prints notes on the suite, and on how it is collected and run, before it runs. */
export function printSuiteNotes({ edge, settings }: Setting, suite: DiscoveredSuite, decision: CollectDecision): void {
  const { dist, unclearMarks, idlePlugin = null } = suite;
  const print = (line: string): void => {
    edge.stderr.write(`shardline: ${line}\n`);
  };
  const isQuiet = settings.verbosity === 'quiet';
  if (decision.why !== null && !isQuiet) {
    const advice = decision.advice === null ? '' : `. ${decision.advice}`;
    print(`every worker collects the whole suite: ${decision.why}${advice}`);
  }
  if (idlePlugin !== null) {
    const { plugin, option, command } = idlePlugin;
    print(`${option} has no effect: ${plugin} disables itself in xdist workers. Fix: run \`${command}\``);
  }
  if (dist === 'loadgroup' && !isQuiet) print('collected the whole suite once, to read its groups for --dist loadgroup');
  for (const { file, line } of unclearMarks) {
    print(`warning: ${file}:${line}: ignored this shard_together mark. Fix: write its name as one string literal`);
  }
}

/** Returns the files that match each set of patterns. */
function matching(files: readonly DiscoveredFile[], sets: readonly (readonly string[])[]): readonly (readonly TestFile[])[] {
  return sets.map((patterns) => {
    const matches = picomatch([...patterns], { dot: true });
    return files.map(({ file }) => file).filter((file) => matches(file));
  });
}

/** A plan, the workforce it was made for, and the files that it keeps together. */
export interface RunPlan extends Plan {
  readonly affinity: Affinity;
  readonly force: Workforce;
  readonly part: SuitePart | null;
  /** The inputs for a plan of the whole list, once an agent has sent the list. */
  readonly suite: SuitePlanning;
}

/** Plans the shards of this suite for the agents that are connected and those that the run starts itself. */
export async function planRun(
  setting: Setting,
  suite: DiscoveredSuite,
  pytestArgs: readonly string[],
  timings: Timings,
  localAgents: number,
  pools: Pools,
): Promise<RunPlan> {
  const { settings } = setting;
  const seconds = estimateFiles(suite.files, timings);
  const elsewhere = settings.redis === null ? 0 : (await pools.aliveAgents(settings.pool)).length;
  if (localAgents === 0 && elsewhere === 0) {
    const { pool, waitAgentsSeconds } = settings;
    setting.edge.stderr.write(
      `shardline: no agent in pool ${pool} yet: waiting ${waitAgentsSeconds} s. Start one with \`shardline agent --pool ${pool}\`\n`,
    );
  }
  const machine = await readMachine();
  // Local agents may have joined the pool already.
  const agents = Math.max(localAgents, elsewhere, 1);
  const slotsPerAgent =
    settings.numprocesses === 'auto' ? maxAutoWorkers(machine, settings.workerBytes) : Math.max(1, Number(settings.numprocesses));
  const affinity = affinityOf(suite.dist, [...suite.together, ...matching(suite.files, settings.shardTogether)]);
  const files = suite.files.map(
    ({ file, nodeids }): EstimatedUnit => ({
      selectors: [
        nodeids === null ? { kind: 'file', file } : { kind: 'tests', file, nodeids, ...(settings.failed ? { mayMiss: true } : {}) },
      ],
      seconds: seconds.get(file) ?? 0,
    }),
  );
  const all = unite(files, affinity);
  const part = settings.shard === null ? null : partOf(setting, settings.shard, suite.files, pytestArgs, filesOfPart(all, settings.shard));
  const united = part === null ? all : unitsOfPart(all, part);
  const workers = agents * slotsPerAgent;
  const splitting = { timings, affinity, slots: workers, thresholdSeconds: settings.splitOverSeconds };
  const plan = planShards({ units: splitUnits(united, splitting), slots: workers, fixedSeconds: FIXED_SECONDS });
  return {
    ...plan,
    affinity,
    force: { workers, agents, workersPerPiece: 1 },
    part,
    suite: { timings, affinity, slots: workers, fixedSeconds: FIXED_SECONDS, thresholdSeconds: settings.splitOverSeconds, part },
  };
}
