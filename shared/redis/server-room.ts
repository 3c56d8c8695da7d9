// How many connections a server has left, and for how many agents that is enough.

import { plural } from '../text/safe-text.ts';

/** Connections of an agent that serves one run, two more for each further run, and those of a coordinator (bench/redis). */
export const CONNECTIONS = { agent: 5, coordinator: 3 } as const;

/** From this share of used connections on, the room counts as short. */
const NEARLY_FULL = 0.8;

/**
 * The warning that the server is near its limit of connections; null if there is room for `needed` more, or if the server names no limit.
 * `facts` are the lines of INFO.
 */
export function shortOfRoom(facts: ReadonlyMap<string, string>, needed: number): string | null {
  const [limit, used] = [Number(facts.get('maxclients')), Number(facts.get('connected_clients'))];
  if (!(limit > 0) || !(used >= 0)) return null;
  const left = Math.max(0, limit - used);
  if (left >= needed && used < limit * NEARLY_FULL) return null;
  const agents = Math.floor(left / CONNECTIONS.agent);
  return (
    `Redis has ${used} of at most ${plural(limit, 'connection')} in use (maxclients), which leaves room for ${plural(agents, 'agent')}: ` +
    `each agent needs ${CONNECTIONS.agent} (2 more for each further run), and each coordinator ${CONNECTIONS.coordinator}. Raise maxclients, or start fewer agents.`
  );
}
