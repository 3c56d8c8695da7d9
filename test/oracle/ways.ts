// The ways of running a suite that the oracle compares with plain pytest.

import type { Fleet } from './sharded.ts';
import { knowsCollect } from './sharded.ts';
import type { WayGroup } from './suite.ts';

export interface Way {
  readonly name: string;
  /** The groups whose documented differences apply to this way. */
  readonly groups: readonly WayGroup[];
  /** null for `pytest -n 2`. */
  readonly fleet: Fleet | null;
  /** How often it runs in one directory: the memory of one run affects the next. */
  readonly passes: 1 | 2;
}

const XDIST: Way = { name: 'pytest -n 2', groups: ['xdist'], fleet: null, passes: 1 };

const collects: readonly Fleet['collect'][] = knowsCollect ? ['suite', 'auto'] : [null];

const way = (agents: 1 | 2, collect: Fleet['collect'], passes: Way['passes']): Way => ({
  name: `${agents} × ${3 - agents}${collect === null ? '' : ` ${collect}`}`,
  groups: agents === 1 ? ['shardline'] : ['shardline', 'fleet'],
  fleet: { agents, workers: 3 - agents, collect },
  passes,
});

/** All ways: `pytest -n 2`, one agent with two workers, and two agents with one worker each. The ways of shardline run twice. */
export const everyWay: readonly Way[] = [XDIST, ...collects.flatMap((collect) => [way(1, collect, 2), way(2, collect, 2)])];

/** The way that a user runs. */
export const oneAgent: Way = way(1, collects.at(-1) ?? null, 1);

/** Two agents, with the whole list on each. */
const twoAgents: Way = way(2, collects[0] ?? null, 1);

/** For `npm test`: two agents, or a second run, only if the suite asks for them. */
export const fewWays = ({ fleet, again }: { readonly fleet: boolean; readonly again: boolean }): readonly Way[] => [
  { ...oneAgent, passes: again ? 2 : 1 },
  ...(fleet ? [twoAgents] : []),
];
