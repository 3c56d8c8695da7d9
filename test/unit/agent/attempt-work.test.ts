// What counts as an agent's work.

import { expect, test } from 'vitest';
import { startAttempt } from '../../../agent/attempt.ts';
import type { Outbox } from '../../../agent/outbox.ts';
import type { Session } from '../../../agent/ports.ts';
import type { AttemptRequest } from '../../../shared/domain/attempt.ts';
import type { AttemptEvent } from '../../../shared/domain/events.ts';
import { agentId } from '../../../shared/domain/ids.ts';

test('an attempt works only while its worker collects and runs tests, not while it waits for the worker', async () => {
  const events = [
    { kind: 'collected', seconds: 0.5 },
    { kind: 'test-started' },
    { kind: 'test-finished', result: { seconds: 2 } },
  ] as unknown as readonly AttemptEvent[];
  let now = 0;
  const session = {
    async run(_: AttemptRequest, emit: (event: AttemptEvent) => void) {
      now += 60_000;
      for (const event of events) emit(event);
      return { kind: 'finished' };
    },
  } as unknown as Session;
  const outbox = { push: () => undefined, flushed: async () => undefined } as unknown as Outbox;
  const request = { id: 's1.1', shard: 's1', fence: 1, role: 'first' } as unknown as AttemptRequest;
  const clock = { now: () => now, wait: async () => undefined };
  expect(
    await startAttempt(request, { session, agent: agentId('a1'), outbox, clock, draining: new AbortController().signal }).settled,
  ).toBe(2.5);
});
