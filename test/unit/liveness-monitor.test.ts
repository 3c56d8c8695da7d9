import { expect, test } from 'vitest';
import { reduce } from '../../coordinator/core/state/reduce.ts';
import { createInbox } from '../../coordinator/event-queue.ts';
import { lookOut } from '../../coordinator/liveness-monitor.ts';
import type { RunChannel } from '../../coordinator/ports.ts';
import type { Clock } from '../../shared/clock.ts';
import { a1, joined, left, opened, stateAfter } from './core/run-kit.ts';

test('ends with the run although Redis does not answer about an agent that lost its connection', async () => {
  const over = new AbortController();
  const asked = Promise.withResolvers<void>();
  let looks = 0;
  const channel: Partial<RunChannel> = {
    async connected(agents) {
      looks += 1;
      return new Set(looks === 1 ? agents : []);
    },
    presence() {
      asked.resolve();
      return new Promise(() => undefined);
    },
  };
  let now = 0;
  const clock: Clock = {
    now: () => now,
    // The presence is asked for once a second too. Here that time does not come.
    async wait(ms, signal) {
      if (ms < 1000) now += ms;
      else await new Promise((_, reject) => signal?.addEventListener('abort', reject));
    },
  };
  const state = stateAfter(opened([]), joined(a1));
  const looking = lookOut(
    { channel: channel as RunChannel, state: () => state, inbox: createInbox(), clock, redisWaitMs: 2000 },
    over.signal,
  );
  await asked.promise;
  over.abort();
  await expect(looking).resolves.toBeUndefined();
});

test('names the agents of the pool that it does not know, once, while no agent serves the run', async () => {
  const over = new AbortController();
  const known: string[][] = [];
  const channel: Partial<RunChannel> = {
    connected: async () => null,
    presence: () => new Promise(() => undefined),
    async absences(agents) {
      known.push([...agents]);
      if (known.length === 3) state = stateAfter(opened([]), joined(a1));
      return [{ why: 'not-signed', agents: 1, example: 'far' }];
    },
  };
  let now = 0;
  const clock: Clock = {
    now: () => now,
    async wait(ms, signal) {
      // Only the looks at the pool take place.
      if (ms !== 2000) return await new Promise((_, reject) => signal?.addEventListener('abort', reject));
      now += ms;
      if (now > 20_000) over.abort();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
  let state = stateAfter(opened([]), joined(a1), left(a1));
  const inbox = createInbox();
  const pushed: unknown[] = [];
  const push = inbox.push;
  inbox.push = (...incoming) => {
    for (const each of incoming) {
      pushed.push(each);
      if (each.kind === 'pool-seen') reduce(state, each);
    }
    push(...incoming);
  };
  await lookOut({ channel: channel as RunChannel, state: () => state, inbox, clock, redisWaitMs: 60_000 }, over.signal);
  expect(known).toEqual([['a1'], ['a1'], ['a1']]);
  expect(pushed).toEqual([{ kind: 'pool-seen', at: 2000, absences: [{ why: 'not-signed', agents: 1, example: 'far' }] }]);
});
