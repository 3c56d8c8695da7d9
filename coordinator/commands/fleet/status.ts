// `shardline status`: the open runs and the agents of a pool.

import { connect } from '../../../shared/redis/connect.ts';
import type { StatusSettings } from '../../../shared/settings/settings.ts';
import type { Edge } from '../../../shared/system/edge.ts';
import { oneLine, plural } from '../../../shared/text/safe-text.ts';
import type { AgentFacts } from '../../../shared/wire/fleet/agent-facts.ts';
import { FRESH_MS, type RunNote } from '../../../shared/wire/run-note.ts';
import { type Fleet, type OpenRun, readFleet } from '../../redis/inspect/fleet.ts';
import { inBytes, inMinutes } from '../../reporters/summary/profile-text.ts';
import { declineWords } from '../../reporters/text/absence-text.ts';

/** Resolves with 0. Throws the errors of a connection. */
export async function statusCommand(settings: StatusSettings, { stdout, machine }: Edge): Promise<number> {
  const { redis: url, redisTls: tls, pool, isJson } = settings;
  const redis = await connect(url, 'shardline:status', { tls });
  try {
    const fleet = await readFleet(redis, pool);
    if (isJson) machine.write(`${JSON.stringify(statusJson(pool, fleet))}\n`);
    else for (const line of statusLines(pool, fleet)) stdout.write(`${line}\n`);
    return 0;
  } finally {
    redis.disconnect();
  }
}

/** The same for programs. Instants are in milliseconds since the epoch; what is not known is null. */
export function statusJson(pool: string, { runs, agents, now }: Fleet): object {
  return {
    pool,
    now,
    runs: runs.map(({ id, spec, coordinator, agents: serving, note }) => ({
      id,
      openedAt: spec?.openedAt ?? null,
      coordinator: coordinator === null ? null : { host: coordinator.host, pid: coordinator.pid },
      progress: note?.state.kind === 'running' ? note.state : null,
      agents: [...serving].map(([agent, shards]) => ({ id: agent, shards })),
    })),
    agents: [...agents].map(([id, facts]) => ({ id, facts })),
  };
}

/** The lines for one pool; texts from Redis are made harmless. */
export function statusLines(pool: string, { runs, agents, now }: Fleet): readonly string[] {
  const serving = new Set(runs.flatMap((run) => [...run.agents.keys()]));
  return [
    `pool ${pool}: ${plural(runs.length, 'open run')}, ${plural(agents.size, 'agent')}`,
    ...runs.flatMap((run) => runLines(run, now)),
    ...[...agents].flatMap(([agent, facts]) => [
      `agent ${oneLine(agent)}: ${agentText(facts, serving.has(agent))}`,
      // A closed run is no longer of interest.
      ...(facts?.declined ?? [])
        .filter(({ run }) => runs.some(({ id }) => id === run))
        .map(({ run, cause }) => `  declined run ${oneLine(run)}: ${declineWords(cause)}`),
    ]),
  ];
}

/** `waiting; 4 workers on build-3 (8 cores, 16 GB), shardline 0.1.0, commit 0123456789ab, labels gpu`. */
export function agentText(facts: AgentFacts | null, isServing: boolean): string {
  const doing = isServing || (facts?.runs.length ?? 0) > 0 ? 'busy' : 'waiting';
  if (facts === null) return doing;
  const { workers, host, cpus, memoryBytes, version, commit, labels, drainSeconds } = facts;
  const state = drainSeconds === null ? doing : `draining, leaves within ${Math.ceil(drainSeconds)} s`;
  const machine = `${Number(cpus.toFixed(1))} ${cpus === 1 ? 'core' : 'cores'}, ${inBytes(memoryBytes)}`;
  return [
    `${state}; ${plural(workers, 'worker')} on ${oneLine(host)} (${machine})`,
    `shardline ${version}`,
    ...(commit === null ? [] : [`commit ${commit.slice(0, 12)}`]),
    ...(labels.length === 0 ? [] : [`labels ${labels.join(' ')}`]),
  ].join(', ');
}

function runLines({ id, spec, coordinator, agents, note }: OpenRun, now: number): readonly string[] {
  const age = spec === null ? 'written by another version of shardline' : `open for ${inMinutes((now - spec.openedAt) / 1000)}`;
  const who =
    coordinator === null
      ? `no coordinator; take it over with \`shardline run --resume ${oneLine(id)}\``
      : `coordinator on ${coordinator.host} (pid ${coordinator.pid})`;
  const what = spec === null || spec.pytestArgs.length === 0 ? '' : `: ${oneLine(spec.pytestArgs.join(' '))}`;
  const rank = spec === null || spec.priority === 0 ? '' : `, priority ${spec.priority}`;
  return [
    `run ${oneLine(id)}${what}`,
    `  ${age}${rank}, ${who}`,
    ...(coordinator === null ? [] : progressLines(note, now)),
    ...[...agents].map(
      ([agent, held]) => `  agent ${oneLine(agent)}: ${held === 0 ? 'idle' : `${plural(held, 'shard')} running or queued`}`,
    ),
  ];
}

/** `  40 of 81 files done, ends in about 20 s`. */
function progressLines(note: RunNote | null, now: number): readonly string[] {
  if (note?.state.kind !== 'running') return [];
  const { filesDone, files, endsAt } = note.state;
  const left = endsAt === null || now - note.at > FRESH_MS ? null : Math.ceil((endsAt - now) / 1000);
  const end = left === null ? '' : left <= 0 ? ', later than expected' : `, ends in about ${inMinutes(left)}`;
  return [`  ${filesDone} of ${plural(files, 'file')} done${end}`];
}
