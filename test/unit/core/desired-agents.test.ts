// How many agents a pool should have.

import { expect, test } from 'vitest';
import { desiredAgents } from '../../../coordinator/core/decide/desired-agents.ts';

const demand = { openRuns: 1, backlogSeconds: 0, targetSeconds: 300, slotsPerAgent: 4, maxAgents: 10 };

test.each([
  ['no agent without an open run', { openRuns: 0, backlogSeconds: 5000 }, 0],
  ['one agent for a run whose backlog is not known yet', {}, 1],
  ['one agent while it does the backlog within the target', { backlogSeconds: 1200 }, 1],
  ['another agent for each target of work beyond', { backlogSeconds: 1201 }, 2],
  ['fewer agents if each has more slots', { backlogSeconds: 4800, slotsPerAgent: 16 }, 1],
  ['at most the limit', { backlogSeconds: 1e9 }, 10],
  ['no agent if the limit is 0', { maxAgents: 0 }, 0],
])('wants %s', (_, part, agents) => {
  expect(desiredAgents({ ...demand, ...part })).toBe(agents);
});
