// Both loops get time, randomness and the outside world only through their ports: otherwise a simulated run could not be repeated.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

/** The files that run under virtual time, besides core, which a test of the architecture keeps pure. */
const files = [
  'coordinator/run-loop.ts',
  'coordinator/turn.ts',
  'coordinator/run-actions.ts',
  'coordinator/outgoing.ts',
  'coordinator/stream-reader.ts',
  'coordinator/wake-ups.ts',
  'coordinator/event-queue.ts',
  'coordinator/liveness-monitor.ts',
  'coordinator/lease-claim.ts',
  'agent/agent-loop.ts',
  'agent/attempt.ts',
  'agent/fitness.ts',
  'agent/open-session.ts',
  'agent/outbox.ts',
  'agent/run-control.ts',
  'agent/running-attempts.ts',
  'agent/serve-session.ts',
  'agent/slot-keeper.ts',
];

const outside =
  /\b(Date\.now|new Date\(\)|performance\.|AbortSignal\.timeout|setTimeout|setInterval|setImmediate|nextTick|Math\.random|randomUUID|process\.)|from 'node:/;

test.each(files)('%s reads no clock, timer, random source or environment', (file) => {
  const code = readFileSync(join(root, file), 'utf8').replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
  expect(outside.exec(code)?.[0]).toBeUndefined();
});
