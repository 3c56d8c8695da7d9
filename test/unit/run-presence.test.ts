// How a coordinator notices, look by look, that Redis has lost its run.

import { expect, test } from 'vitest';
import type { Found } from '../../coordinator/redis/coordinator-epoch.ts';
import { createRunPresence } from '../../coordinator/redis/run-presence.ts';
import { type AttemptId, agentId, attemptId, shardId } from '../../shared/domain/ids.ts';

const [known, foreign] = [attemptId(shardId(1), 1), attemptId(shardId(2), 1)];
const here: Found = { kind: 'here', isCancelled: false, agents: new Map([[agentId('a1'), [known, foreign]]]) };

function setUp(...looks: readonly Found[]) {
  const left = [...looks];
  let timesMissing = 0;
  const presence = createRunPresence(
    { look: async () => left.shift() ?? here },
    {
      waiting: async () => new Set([known]),
      taken: async () => [],
      isKnown: (id): id is AttemptId => id === known,
    },
    () => {
      timesMissing += 1;
    },
  );
  return { presence, left, timesMissing: () => timesMissing };
}

test('reports the agents of a run with only the attempts of this run', async () => {
  const { presence } = setUp();
  expect(await presence.look()).toEqual({
    kind: 'here',
    isCancelled: false,
    alive: ['a1'],
    waiting: new Set([known]),
    taken: [],
    holding: new Map([['a1', [known]]]),
  });
});

test('reports a lost run once, and does not look again until the run is announced again', async () => {
  const { presence, left, timesMissing } = setUp({ kind: 'missing' }, here);
  expect(await presence.look()).toEqual({ kind: 'emptied', isMissing: true });
  expect(await presence.look()).toEqual({ kind: 'unknown' });
  expect(left).toHaveLength(1);
  presence.regained();
  expect(await presence.look()).toMatchObject({ kind: 'here' });
  expect(timesMissing()).toBe(1);
});

test('a run in an earlier state is lost, but its streams continue', async () => {
  const { presence, timesMissing } = setUp({ kind: 'earlier' });
  expect(await presence.look()).toEqual({ kind: 'emptied', isMissing: false });
  expect(await presence.look()).toEqual({ kind: 'unknown' });
  expect(timesMissing()).toBe(0);
});
