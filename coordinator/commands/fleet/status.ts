// `shardline status`: the open runs and the agents of a pool.

import { connect } from '../../../shared/redis/connect.ts';
import type { StatusSettings } from '../../../shared/settings/settings.ts';
import type { Edge } from '../../../shared/system/edge.ts';
import { oneLine, plural } from '../../../shared/text/safe-text.ts';
import { FRESH_MS, type RunNote } from '../../../shared/wire/run-note.ts';
import { type Fleet, type OpenRun, readFleet } from '../../redis/inspect/fleet.ts';
import { inMinutes } from '../../reporters/summary/profile-text.ts';

/** Resolves with 0. Throws the errors of a connection. */
export async function statusCommand({ redis: url, redisTls: tls, pool }: StatusSettings, { stdout }: Edge): Promise<number> {
  const redis = await connect(url, 'shardline:status', { tls });
  try {
    for (const line of statusLines(pool, await readFleet(redis, pool))) stdout.write(`${line}\n`);
    return 0;
  } finally {
    redis.disconnect();
  }
}

/** The lines for one pool; texts from Redis are made harmless. */
export function statusLines(pool: string, { runs, agents, now }: Fleet): readonly string[] {
  const serving = new Set(runs.flatMap((run) => [...run.agents.keys()]));
  const waiting = agents.filter((agent) => !serving.has(agent));
  return [
    `pool ${pool}: ${plural(runs.length, 'open run')}, ${plural(agents.length, 'agent')}`,
    ...runs.flatMap((run) => runLines(run, now)),
    ...(waiting.length === 0 ? [] : [`waiting: ${waiting.map(oneLine).join(', ')}`]),
  ];
}

function runLines({ id, spec, coordinator, agents, note }: OpenRun, now: number): readonly string[] {
  const age = spec === null ? 'written by another version of shardline' : `open for ${inMinutes((now - spec.openedAt) / 1000)}`;
  const who =
    coordinator === null
      ? `no coordinator; take it over with \`shardline run --resume ${oneLine(id)}\``
      : `coordinator on ${coordinator.host} (pid ${coordinator.pid})`;
  const what = spec === null || spec.pytestArgs.length === 0 ? '' : `: ${oneLine(spec.pytestArgs.join(' '))}`;
  return [
    `run ${oneLine(id)}${what}`,
    `  ${age}, ${who}`,
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
