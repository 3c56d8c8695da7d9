// The metrics of a pool, from what its agents and the coordinators of its runs write to Redis. `shardline serve` is where they live: it is up
// also while no run is, and an autoscaler needs them then.

import { Counter, Gauge, Registry } from 'prom-client';
import { sum } from '../../../shared/numbers.ts';
import { FRESH_MS } from '../../../shared/wire/run-note.ts';
import { desiredAgents } from '../../core/decide/desired-agents.ts';
import type { Fleet, OpenRun } from '../../redis/inspect/fleet.ts';

/** What an autoscaler is asked to reach. */
export interface Scaling {
  readonly targetSeconds: number;
  readonly maxAgents: number;
  /** xdist workers of an agent while there is none to ask. */
  readonly slotsPerAgent: number;
}

export interface FleetMetrics {
  readonly registry: Registry;
  update(fleet: Fleet): void;
}

export function fleetMetrics(pool: string, scaling: Scaling): FleetMetrics {
  const registry = new Registry();
  registry.setDefaultLabels({ pool });
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name: `shardline_${name}`, help, registers });
  const openRuns = gauge('open_runs', 'Open runs of the pool.');
  const backlog = gauge('backlog_seconds', 'Work left in all open runs, in seconds of one xdist worker.');
  const agents = new Gauge({ name: 'shardline_agents', help: 'Living agents by what they do.', labelNames: ['state'], registers });
  const slots = gauge('slots', 'xdist workers of all agents that take shards.');
  const busy = gauge('slots_busy', 'xdist workers with a shard.');
  const forecast = gauge('forecast_seconds', 'Time until the last open run ends, by its own forecast; 0 without one.');
  const desired = gauge('desired_agents', 'Agents that do the backlog within the target.');
  const lost = new Counter({ name: 'shardline_lost_attempts_total', help: 'Attempts whose agent was lost.', registers });
  const rejected = new Counter({
    name: 'shardline_rejected_messages_total',
    help: 'Messages that runs have rejected.',
    labelNames: ['cause'],
    registers,
  });
  const lostSoFar = countRises();
  const rejectedSoFar = countRises();
  return {
    registry,
    update(fleet) {
      const { waiting, serving, draining, taking } = agentsIn(fleet);
      const work = backlogOf(fleet);
      openRuns.set(fleet.runs.length);
      backlog.set(work);
      agents.set({ state: 'waiting' }, waiting);
      agents.set({ state: 'busy' }, serving);
      agents.set({ state: 'draining' }, draining);
      slots.set(sum(taking.map(({ workers }) => workers)));
      busy.set(sum(taking.map(({ workers, shards }) => Math.min(workers, shards))));
      forecast.set(forecastOf(fleet));
      const mean = taking.length === 0 ? 0 : sum(taking.map(({ workers }) => workers)) / taking.length;
      desired.set(
        desiredAgents({
          openRuns: fleet.runs.length,
          backlogSeconds: work,
          ...scaling,
          slotsPerAgent: mean > 0 ? mean : scaling.slotsPerAgent,
        }),
      );
      lost.inc(lostSoFar(fleet.runs.map(({ id, note }) => [id, loadIn(note)?.lostAttempts ?? 0])));
      for (const [cause, counts] of rejectionsIn(fleet)) {
        rejected.inc({ cause }, rejectedSoFar(counts.map(([id, count]) => [`${id} ${cause}`, count])));
      }
    },
  };
}

const loadIn = (note: OpenRun['note']) => (note?.state.kind === 'running' ? note.state.load : null);

/** The work of a run is known from its note, and its coordinator may have died: the work is left all the same. */
const backlogOf = ({ runs }: Fleet): number => sum(runs.map(({ note }) => loadIn(note)?.workSeconds ?? 0));

function forecastOf({ runs, now }: Fleet): number {
  const ends = runs.flatMap(({ note }) =>
    note?.state.kind === 'running' && note.state.endsAt !== null && now - note.at < FRESH_MS ? [note.state.endsAt] : [],
  );
  return Math.max(0, ...ends.map((at) => (at - now) / 1000));
}

function agentsIn({ agents, runs }: Fleet) {
  let [waiting, serving, draining] = [0, 0, 0];
  const taking: { workers: number; shards: number }[] = [];
  for (const [id, facts] of agents) {
    const shards = sum(runs.map((run) => run.agents.get(id) ?? 0));
    if (facts !== null && facts.drainSeconds !== null) {
      draining += 1;
      continue;
    }
    if (shards > 0 || runs.some((run) => run.agents.has(id))) serving += 1;
    else waiting += 1;
    taking.push({ workers: facts?.workers ?? 0, shards });
  }
  return { waiting, serving, draining, taking };
}

function rejectionsIn({ runs }: Fleet): ReadonlyMap<string, readonly (readonly [string, number])[]> {
  const causes = new Map<string, (readonly [string, number])[]>();
  for (const { id, note } of runs) {
    for (const [cause, count] of Object.entries(loadIn(note)?.rejected ?? {}))
      causes.set(cause, [...(causes.get(cause) ?? []), [id, count]]);
  }
  return causes;
}

/** Adds up by how much the counts have risen since the last call. Forgets those that are not named any more. */
function countRises(): (counts: readonly (readonly [string, number])[]) => number {
  const last = new Map<string, number>();
  return (counts) => {
    const rise = sum(counts.map(([key, count]) => Math.max(0, count - (last.get(key) ?? 0))));
    for (const [key, count] of counts) last.set(key, Math.max(count, last.get(key) ?? 0));
    return rise;
  };
}
