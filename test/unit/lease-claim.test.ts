// When a command that claims the lease of a run takes it over, and when it gives up.

import { expect, test } from 'vitest';
import { claimLease, type Granted, LEASE_MS, type Lease } from '../../coordinator/lease-claim.ts';
import { runId } from '../../shared/domain/ids.ts';
import type { LeaseHolder } from '../../shared/wire/lease-holder.ts';

const holder: LeaseHolder = { id: 'h1', host: 'ci-1', pid: 42, line: 'l1' };
const granted: Granted = { epoch: 7, isFound: true };
/** A lease that is renewed at each look by a holder that is connected. */
const living = (look: number): Extract<Lease, { readonly kind: 'held' }> => ({
  kind: 'held',
  holder,
  renewal: `r${look}`,
  isExpired: false,
  isConnected: true,
});

/** Looks find these answers by the number of the look. A claim is granted if the lease is free, or was not renewed since its renewal. */
function setUp(answerOf: (look: number) => Lease, signal = new AbortController().signal) {
  let now = 0;
  let looks = 0;
  const waits: [LeaseHolder, number][] = [];
  const clock = {
    now: () => now,
    async wait(ms: number, stop?: AbortSignal) {
      stop?.throwIfAborted();
      now += ms;
    },
  };
  const claim = async (gone: string): Promise<Granted | null> => {
    const lease = answerOf(Math.max(0, looks - 1));
    return lease.kind === 'free' || lease.renewal === gone ? granted : null;
  };
  const look = async (): Promise<Lease> => {
    looks += 1;
    return answerOf(looks - 1);
  };
  const onWait = (who: LeaseHolder, upToSeconds: number): void => void waits.push([who, upToSeconds]);
  const claiming = claimLease(runId('r1'), { claim, look }, { onWait, signal }, clock);
  return { claiming, waits, tookMs: () => now };
}

const free: Lease = { kind: 'free', isConnected: null };

test('claims a free lease at once', async () => {
  const { claiming, waits, tookMs } = setUp(() => free);
  expect(await claiming).toEqual(granted);
  expect([waits, tookMs()]).toEqual([[], 0]);
});

test('takes over from a coordinator that is not connected in two looks, and announces no wait', async () => {
  const { claiming, waits, tookMs } = setUp(() => ({ ...living(1), isConnected: false }));
  expect(await claiming).toEqual(granted);
  expect(waits).toEqual([]);
  expect(tookMs()).toBeLessThan(3000);
});

test('takes over from a frozen coordinator when its lease has expired', async () => {
  const { claiming, waits, tookMs } = setUp((look) => ({ ...living(1), isExpired: look * 1000 >= LEASE_MS }));
  expect(await claiming).toEqual(granted);
  expect(waits).toEqual([[holder, 12]]);
  expect(tookMs()).toBeLessThan(12_000);
});

test('waits for the lease to expire if connections cannot be seen', async () => {
  const { claiming, tookMs } = setUp((look) => ({ ...living(1), isExpired: look >= 8, isConnected: null }));
  expect(await claiming).toEqual(granted);
  expect(tookMs()).toBe(9000);
});

test('claims the lease of a coordinator that has ended the run, once that is not connected any more', async () => {
  const { claiming, tookMs } = setUp((look) => (look < 3 ? living(look) : { kind: 'free', isConnected: look < 6 }));
  expect(await claiming).toEqual(granted);
  expect(tookMs()).toBe(6000);
});

test('leaves the run to a coordinator that has ended it and is still connected', async () => {
  const { claiming } = setUp((look) => (look < 3 ? living(look) : { kind: 'free', isConnected: true }));
  await expect(claiming).rejects.toMatchObject({ code: 'run-is-served' });
});

test('claims a lease that is released if connections cannot be seen', async () => {
  const { claiming, tookMs } = setUp((look) => (look < 3 ? living(look) : free));
  expect(await claiming).toEqual(granted);
  expect(tookMs()).toBe(3000);
});

test('leaves the run to a coordinator that renews its lease, and names it', async () => {
  const { claiming, waits, tookMs } = setUp(living);
  await expect(claiming).rejects.toMatchObject({ code: 'run-is-served', exitCode: 4, values: { host: 'ci-1', pid: 42 } });
  expect(waits).toHaveLength(1);
  expect(tookMs()).toBe(12_000);
});

test('leaves the run to a coordinator whose connection breaks again and again', async () => {
  const { claiming } = setUp((look) => ({ ...living(1), isConnected: look % 2 === 0 }));
  await expect(claiming).rejects.toMatchObject({ code: 'run-is-served' });
});

test('leaves the run to a coordinator that is never seen connected but renews its lease', async () => {
  const { claiming } = setUp((look) => ({ ...living(look), isConnected: false }));
  await expect(claiming).rejects.toMatchObject({ code: 'run-is-served' });
});

test('stops waiting when it is interrupted, also while Redis does not answer', async () => {
  const stop = new AbortController();
  const { claiming } = setUp((look) => living(look), stop.signal);
  stop.abort(new Error('SIGINT'));
  await expect(claiming).rejects.toThrow('SIGINT');

  const silent = new AbortController();
  const clock = { now: () => 0, wait: async () => undefined };
  const noAnswer = () => Promise.withResolvers<never>().promise;
  const waiting = claimLease(runId('r1'), { claim: noAnswer, look: noAnswer }, { onWait: () => undefined, signal: silent.signal }, clock);
  silent.abort(new Error('SIGINT'));
  await expect(waiting).rejects.toThrow('SIGINT');
});
