import { expect, test } from 'vitest';
import { createInbox } from '../../coordinator/event-queue.ts';
import { lookOut } from '../../coordinator/liveness-monitor.ts';
import type { RunChannel } from '../../coordinator/ports.ts';
import type { Clock } from '../../shared/clock.ts';
import { a1, joined, opened, stateAfter } from './core/run-kit.ts';

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
