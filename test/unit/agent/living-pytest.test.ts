// Which pytest serves a session when pytests die, do not start, and the session closes.

import { expect, test } from 'vitest';
import { createLivingPytest, type MortalPytest } from '../../../agent/pytest/living-pytest.ts';

interface FakePytest extends MortalPytest {
  readonly number: number;
  die(): void;
}

function setUp() {
  const starts: PromiseWithResolvers<FakePytest>[] = [];
  const ended: number[] = [];
  const living = createLivingPytest(() => {
    const start = Promise.withResolvers<FakePytest>();
    starts.push(start);
    return start.promise;
  });
  /** The pytest that started as number `at` is ready. */
  const ready = (at: number): FakePytest => {
    let isOver = false;
    const pytest: FakePytest = {
      number: at,
      die: () => {
        isOver = true;
      },
      isOver: () => isOver,
      end: async () => {
        ended.push(at);
      },
    };
    starts[at]?.resolve(pytest);
    return pytest;
  };
  return { living, starts, ended, ready };
}

test('attempts that need a pytest at the same time wait for the same one', async () => {
  const { living, starts, ready } = setUp();
  const waiting = [living.current(), living.current()];
  const first = ready(0);
  expect(await Promise.all(waiting)).toEqual([first, first]);
  expect(await living.current()).toBe(first);
  expect(starts).toHaveLength(1);
});

test('the next attempt replaces a dead pytest', async () => {
  const { living, starts, ready } = setUp();
  const opening = living.current();
  ready(0).die();
  await opening;
  expect(starts).toHaveLength(1);
  const next = living.current();
  const second = ready(1);
  expect(await next).toBe(second);
});

test('an attempt after one whose pytest did not start tries again', async () => {
  const { living, starts, ready } = setUp();
  const opening = living.current();
  starts[0]?.reject(new Error('no python'));
  await expect(opening).rejects.toThrow('no python');
  const next = living.current();
  const second = ready(1);
  expect(await next).toBe(second);
});

test('close ends the current pytest', async () => {
  const { living, ended, ready } = setUp();
  const opening = living.current();
  ready(0);
  await opening;
  await living.close();
  expect(ended).toEqual([0]);
  expect(living.isClosed()).toBe(true);
});

test('close without a pytest ends none', async () => {
  const { living, ended } = setUp();
  await living.close();
  expect(ended).toEqual([]);
});

test('close waits for a pytest that is still starting, and ends it', async () => {
  const { living, ended, ready } = setUp();
  const waiting = living.current();
  const closed = living.close();
  const late = ready(0);
  await closed;
  expect(await waiting).toBe(late);
  expect(ended).toEqual([0]);
});

test('close succeeds when the pytest that is still starting does not start', async () => {
  const { living, starts, ended } = setUp();
  const waiting = living.current();
  const closed = living.close();
  starts[0]?.reject(new Error('no python'));
  await expect(waiting).rejects.toThrow('no python');
  await closed;
  expect(ended).toEqual([]);
});

test('a closed session starts no pytest and does not close again', async () => {
  const { living, starts } = setUp();
  await living.close();
  await expect(living.current()).rejects.toThrow('closed');
  await expect(living.close()).rejects.toThrow('closed');
  expect(starts).toEqual([]);
});
