// What a coordinator writes to the units of its pool when its run ends.

import { expect, test } from 'vitest';
import type { RunState } from '../../coordinator/core/state/run-state.ts';
import { createInbox } from '../../coordinator/event-queue.ts';
import type { RunChannel, UnitsStore } from '../../coordinator/ports.ts';
import { keepUnits } from '../../coordinator/units-keeper.ts';
import { attemptId, shardId } from '../../shared/domain/ids.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { systemClock } from '../../shared/system/clock.ts';
import { eventually } from '../support/eventually.ts';
import { opened, stateAfter } from './core/run-kit.ts';

const claims = [{ attempt: attemptId(shardId(1), 1), resources: [{ name: 'db', units: 1 }] }];

/** A store whose calls the test answers, and a keeper that uses it. */
function keeping(wanted: RunState['units']['wanted'], unreadable: ShardlineError | null = null) {
  const state = stateAfter(opened([]));
  state.units.wanted = wanted;
  const calls: string[] = [];
  const answers: ((isWritten?: boolean) => void)[] = [];
  const store: UnitsStore = {
    read: () =>
      new Promise((resolve) => {
        calls.push('read');
        answers.push(() => resolve({ version: '', now: 1000, book: new Map([[state.opened.spec.runId, entry]]), unreadable }));
      }),
    write: (_version, units) =>
      new Promise((resolve) => {
        calls.push(units === null ? 'release' : 'claim');
        answers.push((isWritten = true) => resolve(isWritten));
      }),
  };
  const entry = { epoch: 1, until: 5000, limits: {}, claims: [] };
  const over = new AbortController();
  const channel = { runId: state.opened.spec.runId, epoch: 1 } as unknown as RunChannel;
  const inbox = createInbox();
  const keeper = keepUnits({ channel, state, inbox, clock: systemClock }, store, over.signal);
  const end = (): void => {
    state.units.wanted = [];
    over.abort();
  };
  /** Waits for the call, which is the newest, and answers it. */
  const answer = async (call: string, isWritten?: boolean): Promise<void> => {
    await eventually(`the call ${call}`, () => answers.length > 0 && calls.at(-1) === call);
    answers.shift()?.(isWritten);
  };
  return { calls, answer, end, ended: keeper.ended, inbox };
}

test('releases the units after the last write has arrived', async () => {
  const { calls, answer, end, ended } = keeping(claims);
  await answer('read');
  await eventually('the claim', () => calls.at(-1) === 'claim');
  end();
  await new Promise((resolve) => setImmediate(resolve));
  expect(calls).toEqual(['read', 'claim']);
  for (const call of ['claim', 'read', 'release']) await answer(call);
  await ended;
  expect(calls).toEqual(['read', 'claim', 'read', 'release']);
});

test('does not repeat a claim that another run overtook once its own run has ended', async () => {
  const { calls, answer, end, ended } = keeping(claims);
  await answer('read');
  await eventually('the claim', () => calls.at(-1) === 'claim');
  end();
  await answer('claim', false);
  for (const call of ['read', 'release']) await answer(call);
  await ended;
  expect(calls).toEqual(['read', 'claim', 'read', 'release']);
});

test('releases nothing at the end of a run that has claimed nothing', async () => {
  const { calls, answer, end, ended } = keeping([]);
  await answer('read');
  await answer('release');
  end();
  await ended;
  expect(calls).toEqual(['read', 'release']);
});

test('ends without the release if Redis does not answer', async () => {
  const { calls, end, ended } = keeping(claims);
  await eventually('the first look', () => calls.length > 0);
  end();
  await ended;
  expect(calls).toEqual(['read']);
});

const unreadable = new ShardlineError('units-unreadable', { key: 'k', runId: 'r', problem: 'another is newer' });

test('ends a run that needs units while a run of a newer version may hold them, and claims nothing', async () => {
  const { calls, answer, ended, inbox } = keeping(claims, unreadable);
  await answer('read');
  await ended;
  expect(calls).toEqual(['read']);
  expect(await inbox.next()).toMatchObject([{ kind: 'redis-lost', message: expect.stringContaining('another is newer') }]);
});

test('leaves a run without claims alone while a run of a newer version holds units', async () => {
  const { calls, answer, end, ended } = keeping([], unreadable);
  await answer('read');
  await answer('release');
  end();
  await ended;
  expect(calls).toEqual(['read', 'release']);
});
