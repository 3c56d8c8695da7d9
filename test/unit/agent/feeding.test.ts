// Assigns tasks to workers: in fixed examples, and in every order of workers, claims and interruptions.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFeeding, type Feeding } from '../../../agent/pytest/work-stealing.ts';

/** Models real workers: tasks queue in order at each worker, and the first claim of a task wins. */
function setUp() {
  const sent: [worker: string, task: number, claim: string | null][] = [];
  const claimed = new Set<string>();
  const gone = new Set<string>();
  const at = new Map<string, number>();
  let claims = 0;
  const take = (claim: string): boolean => !claimed.has(claim) && claimed.add(claim) !== undefined;
  const feeding: Feeding<number> = createFeeding<number>({
    send(worker, task, claim) {
      if (gone.has(worker)) return false;
      sent.push([worker, task, claim]);
      return true;
    },
    newClaim: () => String(++claims),
    takeBack: take,
    began: (worker, task) => at.set(worker, task),
  });
  return { feeding, sent, take, gone, at };
}

test('an idle worker starts a task at once; other tasks queue at busy workers until one is idle', () => {
  const { feeding, sent, at } = setUp();
  feeding.free('gw0');
  feeding.free('gw1');
  for (const task of [1, 2, 3]) feeding.add(task);
  expect(sent).toEqual([
    ['gw0', 1, null],
    ['gw1', 2, null],
    ['gw0', 3, '1'],
  ]);
  expect(feeding.done('gw1')).toBe(2);
  expect(sent.at(-1)).toEqual(['gw1', 3, null]);
  expect(at.get('gw1')).toBe(3);
});

test('a started task stays with its worker', () => {
  const { feeding, sent, take, at } = setUp();
  feeding.free('gw0');
  for (const task of [1, 2]) feeding.add(task);
  expect(take('1')).toBe(true);
  feeding.free('gw1');
  expect(sent).toHaveLength(2);
  expect(feeding.withdraw(2)).toEqual({ kind: 'begun', worker: 'gw0' });
  expect(feeding.done('gw0')).toBe(1);
  expect(at.get('gw0')).toBe(2);
  expect(feeding.withdraw(2)).toEqual({ kind: 'begun', worker: 'gw0' });
});

test('the queued tasks of a worker that leaves wait again, and can be withdrawn', () => {
  const { feeding, gone } = setUp();
  feeding.free('gw0');
  for (const task of [1, 2, 3]) feeding.add(task);
  gone.add('gw0');
  expect(feeding.leave('gw0')).toBe(1);
  expect(feeding.holds('gw0')).toBe(false);
  expect(feeding.withdraw(3)).toEqual({ kind: 'withdrawn' });
  expect(feeding.withdraw(3)).toBeNull();
  expect(feeding.clear()).toEqual([2]);
});

test('starts no task twice and loses none, in any order of events', () => {
  const step = fc.record({ kind: fc.constantFrom('add', 'work', 'work', 'report', 'die', 'withdraw'), pick: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
      const { feeding, sent, take, gone } = setUp();
      const begun: number[] = [];
      const settled = new Set<number>();
      /** The current task of each worker, and its finished tasks that the agent has not received yet. */
      const workers = new Map<string, { at: number | null; unread: number[]; read: number }>();
      let tasks = 0;
      let names = 0;
      const bear = (): void => {
        workers.set(`gw${names}`, { at: null, unread: [], read: 0 });
        feeding.free(`gw${names++}`);
      };
      /** Reads the sent tasks until it finds one that it may start. Returns false if there is none. */
      const goOn = (name: string): boolean => {
        const worker = workers.get(name);
        if (worker === undefined) return false;
        if (worker.at !== null) worker.unread.push(worker.at);
        worker.at = null;
        for (const [, task, claim] of sent.filter(([to]) => to === name).slice(worker.read)) {
          worker.read += 1;
          if (claim !== null && !take(claim)) continue;
          worker.at = task;
          begun.push(task);
          return true;
        }
        return false;
      };
      const receive = (name: string): void => {
        const worker = workers.get(name);
        const task = worker?.unread.shift();
        if (task === undefined) return;
        expect(feeding.done(name)).toBe(task);
        settled.add(task);
      };
      bear();
      bear();
      for (const { kind, pick } of steps) {
        const name = [...workers.keys()][pick % workers.size] ?? '';
        if (kind === 'add') feeding.add(++tasks);
        if (kind === 'work') goOn(name);
        if (kind === 'report') receive(name);
        if (kind === 'withdraw' && tasks > 0) {
          const task = 1 + (pick % tasks);
          if (feeding.withdraw(task)?.kind === 'withdrawn') {
            expect(begun).not.toContain(task);
            settled.add(task);
          }
        }
        if (kind === 'die') {
          while ((workers.get(name)?.unread.length ?? 0) > 0) receive(name);
          gone.add(name);
          workers.delete(name);
          const lost = feeding.leave(name);
          if (lost !== undefined) settled.add(lost);
          bear();
        }
      }
      for (let round = 0; round <= tasks; round += 1) {
        for (const name of workers.keys()) {
          goOn(name);
          while ((workers.get(name)?.unread.length ?? 0) > 0) receive(name);
        }
      }
      expect(new Set(begun).size).toBe(begun.length);
      expect(settled.size).toBe(tasks);
    }),
  );
});
