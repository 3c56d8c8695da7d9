// Plans the shards of a suite, and prints what a user should know before it runs.

import type { SuitePart } from '../../../shared/domain/part.ts';
import type { Timings } from '../../../shared/domain/suite/timings.ts';
import { maxAutoWorkers } from '../../../shared/settings/auto-workers.ts';
import { readMachine } from '../../../shared/system/machine.ts';
import { type CollectDecision, FIRST_RUN } from '../../core/decide/collect-choice.ts';
import type { Workforce } from '../../core/decide/forecast.ts';
import type { Affinity } from '../../core/plan/affinity.ts';
import { unitsOfPart } from '../../core/plan/divide.ts';
import { FIXED_SECONDS, type Plan, planShards } from '../../core/plan/plan.ts';
import type { SuitePlanning } from '../../core/plan/plan-suite.ts';
import { splitUnits } from '../../core/plan/split.ts';
import { unitsWithNeeds } from '../../core/plan/unit-needs.ts';
import type { DiscoveredSuite, Pools } from '../../ports.ts';
import type { Setting } from '../run-context.ts';
import { plannedPart } from './part.ts';
import { needsBefore, suiteUnits } from './units.ts';

/** Prints notes on the suite, and on how it is collected and run, before it runs. */
export function printSuiteNotes({ edge, settings }: Setting, suite: DiscoveredSuite, decision: CollectDecision): void {
  const { dist, unclearMarks, idlePlugin = null } = suite;
  const print = (line: string): void => {
    edge.stderr.write(`shardline: ${line}\n`);
  };
  const isQuiet = settings.verbosity === 'quiet';
  const isRoutine = decision.why === FIRST_RUN && settings.verbosity !== 'verbose';
  if (decision.why !== null && !isQuiet && !isRoutine) {
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
  const elsewhere = settings.redis === null ? 0 : (await pools.aliveAgents(settings.pool)).length;
  if (localAgents === 0 && elsewhere === 0) {
    const { pool, waitAgentsSeconds } = settings;
    setting.edge.stderr.write(
      `shardline: no agent in pool ${pool} yet: waiting ${waitAgentsSeconds} s. Start one with \`shardline agent --pool ${pool}\`\n`,
    );
  }
  const machine = await readMachine();
  // Local agents may have joined the pool already.
  const agents = Math.max(localAgents, elsewhere, settings.agentsExpected ?? 1);
  const slotsPerAgent =
    settings.numprocesses === 'auto' ? maxAutoWorkers(machine, settings.workerBytes) : Math.max(1, Number(settings.numprocesses));
  const { units: all, affinity } = suiteUnits(settings, suite, timings);
  const part = await plannedPart(setting, suite.files, pytestArgs, all);
  const united = part === null ? all : unitsOfPart(all, part);
  const workers = agents * slotsPerAgent;
  const splitting = { timings, affinity, slots: workers, thresholdSeconds: settings.splitOverSeconds };
  const known = needsBefore(settings.resources, timings);
  const units = splitUnits(unitsWithNeeds(united, known, affinity, timings), splitting);
  const plan = planShards({ units, slots: workers, fixedSeconds: FIXED_SECONDS });
  return {
    ...plan,
    affinity,
    force: { workers, agents, workersPerPiece: 1 },
    part,
    suite: {
      timings,
      affinity,
      slots: workers,
      fixedSeconds: FIXED_SECONDS,
      thresholdSeconds: settings.splitOverSeconds,
      part,
      needsOfFile: known.ofFile,
    },
  };
}
