// Why the agents of the pool do not serve the run, by what they say of themselves. Only known while no agent serves it.

import { type Absence, type AbsenceCause, absenceCauses, type Decline } from '../../../../shared/domain/fleet/decline.ts';
import type { AgentId, RunId } from '../../../../shared/domain/ids.ts';
import type { EventOf } from '../events.ts';
import type { RunState } from '../run-state.ts';

/** What an agent says of itself in its presence; null if that cannot be read. */
export type Said = {
  readonly runs: readonly { readonly run: RunId }[];
  readonly drainSeconds: number | null;
  readonly declined: readonly Decline[];
} | null;

/** The absent agents of the pool by cause, in the order of `absenceCauses`. An agent that opens its session in the run is not absent. */
export function absencesOf(run: RunId, agents: ReadonlyMap<AgentId, Said>): readonly Absence[] {
  const absent = [...agents].flatMap(([id, said]) => {
    const why = absenceOf(run, said);
    return why === null ? [] : [{ id, why }];
  });
  const byCause = Map.groupBy(absent, ({ why }) => why);
  return absenceCauses.flatMap((why) => {
    const [first, ...others] = byCause.get(why) ?? [];
    return first === undefined ? [] : [{ why, agents: 1 + others.length, example: first.id }];
  });
}

function absenceOf(run: RunId, said: Said): AbsenceCause | null {
  if (said === null) return 'silent';
  if (said.runs.some((served) => served.run === run)) return null;
  const decline = said.declined.find((declined) => declined.run === run);
  if (decline !== undefined) return decline.cause;
  if (said.drainSeconds !== null) return 'draining';
  return said.runs.length > 0 ? 'busy' : 'silent';
}

export function poolSeen(state: RunState, { at, absences }: EventOf<'pool-seen'>): void {
  state.absences = absences.map((absence) => ({
    ...absence,
    sinceAt: state.absences.find(({ why }) => why === absence.why)?.sinceAt ?? at,
  }));
}

/** The agents of the pool that did not serve a run which ended for want of agents. */
export const absentAgents = ({ absences, closed }: RunState): readonly Absence[] =>
  closed?.why.kind === 'stopped' && closed.why.notRun === 'no-agent'
    ? absences.map(({ why, agents, example }) => ({ why, agents, example }))
    : [];

/** Whether the pool has other absences than the state knows. */
export const isNews = ({ absences: known }: RunState, absences: readonly Absence[]): boolean =>
  known.length !== absences.length ||
  absences.some(({ why, agents }, index) => known[index]?.why !== why || known[index]?.agents !== agents);
