// One agent of a simulation: the production loop, with a simulated pytest.

import { agentLoop } from '../../agent/agent-loop.ts';
import { fixedWorkspace } from '../../agent/workspace/fixed-workspace.ts';
import { agentId } from '../../shared/domain/ids.ts';
import { modelMember } from '../fakes/redis/agent-side.ts';
import { startProcess } from '../fakes/redis/process.ts';
import { POOL, printOf } from './opening.ts';
import type { SimulatedAgent } from './scenario.ts';
import { simulatedEngine } from './session.ts';
import { describe, type LivingAgent, note, truthFor, type World } from './world.ts';

export function startAgent(world: World, agent: SimulatedAgent): void {
  const { server, network, time } = world;
  const { name, kind, workers, skewMs, labels = [] } = agent;
  const process = startProcess(time, name, skewMs, time.touch);
  const living: LivingAgent = { process, leave: new AbortController(), drain: new AbortController(), isOver: false };
  const id = agentId(name);
  const serve = async (): Promise<void> => {
    await using member = modelMember({ server, process, network }, POOL, id, labels);
    await agentLoop(
      {
        identity: {
          id,
          host: name,
          pid: 1,
          hashSeed: null,
          labels,
          isLocal: false,
          accepts: { mode: 'any', own: [] },
          printFiles: async () => printOf(kind === 'foreign' ? 'other' : 'same', name),
          isInside: async () => true,
        },
        pytest: { numprocesses: String(workers), maxAutoWorkers: workers },
        workspaces: fixedWorkspace('/', 'python3'),
        member,
        engine: simulatedEngine((run) => truthFor(world, run), agent, process),
        clock: process.clock,
        reportState: (phrase) => note(world, `${name} ${phrase}`),
        warn: (line) => note(world, `${name} ${line}`),
      },
      { once: false, maxIdleMs: null, maxRuns: 4, hasMemory: async () => true },
      living.leave.signal,
      living.drain.signal,
    );
  };
  const onEnd = (): void => {
    living.isOver = true;
    note(world, `${name} ended`);
    const jobs = [...server.data.runs.values()].flatMap((run) => [...run.jobs.values()]);
    for (const job of jobs) if (job.state === 'active' && job.processedBy === id) world.hoarders.push(`${id} ${job.id}`);
  };
  const onFailure = (thrown: unknown): void => {
    living.isOver = true;
    world.failures.push(`${name}: ${describe(thrown)}`);
  };
  process.resume(() => {
    serve().then(onEnd, onFailure);
  });
  world.agents.set(name, living);
}
