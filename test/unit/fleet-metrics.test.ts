// Metrics of a pool from what is in Redis.

import { expect, test } from 'vitest';
import { fleetMetrics } from '../../coordinator/commands/fleet/fleet-metrics.ts';
import type { Fleet, OpenRun } from '../../coordinator/redis/inspect/fleet.ts';
import { agentId, runId } from '../../shared/domain/ids.ts';
import type { AgentFacts } from '../../shared/wire/fleet/agent-facts.ts';

const scaling = { targetSeconds: 60, maxAgents: 5, slotsPerAgent: 2 };
const facts: AgentFacts = {
  version: '1',
  host: 'h',
  cpus: 4,
  memoryBytes: 1e9,
  workers: 4,
  labels: [],
  commit: null,
  drainSeconds: null,
  declined: [],
  runs: [],
};
const runWith = (id: string, workSeconds: number, lostAttempts: number): OpenRun => ({
  id: runId(id),
  spec: null,
  coordinator: null,
  agents: new Map(),
  note: {
    at: 0,
    deadline: null,
    state: {
      kind: 'running',
      filesDone: 0,
      files: 1,
      endsAt: 9000,
      load: { workSeconds, lostAttempts, rejected: { unreadable: lostAttempts } },
    },
  },
});
const fleetOf = (runs: readonly OpenRun[], agents: readonly AgentFacts[] = []): Fleet => ({
  runs,
  agents: new Map(agents.map((each, index) => [agentId(`a${index}`), each])),
  now: 1000,
});

test('adds up the backlog of all runs, and asks for agents by their slots', async () => {
  const { registry, update } = fleetMetrics('p', scaling);
  const value = async (name: string) => (await registry.getSingleMetric(`shardline_${name}`)?.get())?.values[0]?.value;
  update(fleetOf([runWith('one', 100, 0), runWith('two', 200, 0)]));
  expect([await value('backlog_seconds'), await value('desired_agents'), await value('forecast_seconds')]).toEqual([300, 3, 8]);
  update(fleetOf([runWith('one', 100, 0), runWith('two', 200, 0)], [facts, { ...facts, drainSeconds: 3 }]));
  expect([await value('slots'), await value('desired_agents')]).toEqual([4, 2]);
});

test('counts what each run has lost and rejected once, also if another coordinator begins to count anew', async () => {
  const { registry, update } = fleetMetrics('p', scaling);
  const value = async (name: string) => (await registry.getSingleMetric(`shardline_${name}_total`)?.get())?.values[0]?.value;
  for (const runs of [[runWith('one', 1, 2)], [runWith('one', 1, 2), runWith('two', 1, 1)], [runWith('one', 1, 1)], []])
    update(fleetOf(runs));
  expect([await value('lost_attempts'), await value('rejected_messages')]).toEqual([3, 3]);
});
