// When a run writes its note.

import { expect, test } from 'vitest';
import { noteProgress } from '../../coordinator/commands/serving/note-run.ts';
import type { RunNote } from '../../shared/wire/run-note.ts';
import { opened, shardOf, stateAfter } from './core/run-kit.ts';

const state = stateAfter(opened([shardOf(1, ['test_a.py']), shardOf(2, ['test_b.py'])], { deadline: { seconds: 60, reserveSeconds: 2 } }));
const tick = { kind: 'tick', at: 0 } as const;

test('writes at most every two seconds, never two at once, and nothing after the run has closed', async () => {
  let now = 10_000;
  const notes: RunNote[] = [];
  let written = Promise.withResolvers<void>();
  const writer = {
    write(note: RunNote) {
      notes.push(note);
      return written.promise;
    },
    aheadMs: 500,
    clock: { now: () => now, wait: async () => undefined },
    logger: { debug: () => undefined },
  };
  const { observe } = noteProgress(writer);
  observe({ kind: 'forecast', at: 10_000, secondsLeft: 20, lateSeconds: 0, remedy: null }, state, []);
  expect(notes).toEqual([
    {
      at: 10_500,
      deadline: { seconds: 60, reserveSeconds: 2, endsAt: state.opened.startedAt + 60_500, met: false },
      state: {
        kind: 'running',
        filesDone: 0,
        files: 2,
        endsAt: 30_500,
        load: { workSeconds: expect.any(Number), lostAttempts: 0, rejected: {} },
      },
    },
  ]);
  now = 13_000;
  observe(tick, state, []);
  expect(notes).toHaveLength(1);
  written.reject(new Error('Redis is gone'));
  await written.promise.catch(() => undefined);
  written = Promise.withResolvers();
  await expect
    .poll(() => {
      observe(tick, state, []);
      return notes.length;
    })
    .toBe(2);
  written.resolve();
  now = 14_000;
  observe(tick, state, []);
  expect(notes).toHaveLength(2);
  const closed = { ...state, closed: { at: 0, why: { kind: 'done' } } } as typeof state;
  now = 20_000;
  observe(tick, closed, []);
  expect(notes).toHaveLength(2);
});
