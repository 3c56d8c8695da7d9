// When an agent stops attempts that use resources.

import { expect, test } from 'vitest';
import { graceOf } from '../../../agent/core/interrupt.ts';
import type { JoinedRun } from '../../../agent/ports.ts';
import { CHECK_MS, keepResourceLease, RESOURCE_LEASE_MS, UNRENEWED_MS, withoutUnits } from '../../../agent/resource-lease.ts';
import { LOST_HOLD_MS } from '../../../coordinator/core/state/attempts/holders.ts';
import { PATIENCE } from '../../../coordinator/lease-claim.ts';
import type { AttemptRequest } from '../../../shared/domain/attempt.ts';
import { attemptId, shardId } from '../../../shared/domain/ids.ts';
import { type LeasedUnits, UNITS_LEASE_MS } from '../../../shared/domain/leased-units.ts';
import { ShardlineError } from '../../../shared/errors.ts';

const request = (index: number, needs: AttemptRequest['needs']): AttemptRequest => ({
  id: attemptId(shardId(index), 1),
  shard: shardId(index),
  fence: 1,
  role: 'primary',
  selectors: [],
  predictedSeconds: 1,
  avoid: [],
  needs,
});
const db = { labels: [], resources: [{ name: 'db', units: 1 }] };
const [held, denied, free] = [request(1, db), request(2, db), request(3, undefined)];
const runWith = (units: LeasedUnits | Error | null, silenceMs = 0): JoinedRun =>
  ({
    silenceMs: () => silenceMs,
    leasedUnits: async () => {
      if (units instanceof Error) throw units;
      return units;
    },
  }) as unknown as JoinedRun;
const leased = (ageMs: number): LeasedUnits => ({ ageMs, granted: new Set([held.id]) });

test('begins an attempt only if its run holds its resources', async () => {
  const may = async (run: JoinedRun, attempt: AttemptRequest): Promise<boolean> => (await withoutUnits(run, attempt)) === null;
  expect(await may(runWith(leased(0)), held)).toBe(true);
  expect(await may(runWith(leased(0)), denied)).toBe(false);
  expect(await may(runWith(leased(UNRENEWED_MS)), held)).toBe(false);
  expect(await may(runWith(new Error('no answer')), held)).toBe(false);
  expect(await may(runWith(new Error('no answer')), free)).toBe(true);
  expect(await may(runWith(null), held)).toBe(true);
});

const unreadable = new ShardlineError('units-unreadable', { key: 'k', runId: 'r', problem: 'NOPERM' });

test('reports why an attempt did not start where what its run holds cannot be read', async () => {
  const { message: detail } = unreadable;
  expect(await withoutUnits(runWith(unreadable), held)).toEqual({ kind: 'not-started', error: 'units-unreadable', detail });
  expect(await withoutUnits(runWith(new Error('no answer')), held)).toEqual({ kind: 'interrupted', by: 'superseded' });
});

test.each([
  ['holds one of two', runWith(leased(0)), [denied]],
  ['does not renew its units', runWith(leased(UNRENEWED_MS)), [held, denied]],
  ['does not answer', runWith(new Error('no answer')), []],
  ['cannot be read', runWith(unreadable), [held, denied]],
  ['is silent', runWith(leased(0), RESOURCE_LEASE_MS), [held, denied]],
  ['shares nothing', runWith(null), []],
])('stops the attempts whose resources the run may not use: it %s', async (_, run, stopped) => {
  const running = [held, denied, free];
  const interrupted = new Set<AttemptRequest>();
  const over = new AbortController();
  let waits = 0;
  await keepResourceLease(
    run,
    {
      runs: (which) => running.some(which),
      interruptAll: (_by, which = () => true) => {
        for (const each of running.filter(which)) interrupted.add(each);
      },
    } as Parameters<typeof keepResourceLease>[1],
    {
      now: () => 0,
      // Long enough for the answer.
      wait: async () => {
        for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
        waits += 1;
        if (waits > 3) over.abort();
      },
    },
    over.signal,
  );
  expect([...interrupted]).toEqual(stopped);
});

/** For Redis to answer, and for a killed process to be gone. */
const SLACK_MS = 2000;
/** From the moment when attempts may not go on until the last of their tests has stopped. */
const STOP_MS = CHECK_MS + graceOf('superseded', null).killMs + SLACK_MS;

test('stops them before others get the resources', () => {
  expect(RESOURCE_LEASE_MS + STOP_MS).toBeLessThan(LOST_HOLD_MS);
  expect(UNRENEWED_MS + STOP_MS).toBeLessThan(UNITS_LEASE_MS);
});

test('does not stop them while another coordinator takes the run over', () => {
  // The units were renewed up to a second before the coordinator was gone.
  expect(PATIENCE.waitMs + 1000).toBeLessThan(UNRENEWED_MS);
});
