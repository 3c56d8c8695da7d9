// Which run of a pool gets the units of a resource.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { goneRuns, isDeposed, leaseUnits } from '../../../coordinator/core/decide/needs/pool-grants.ts';
import { attemptId, type RunId, runId, shardId } from '../../../shared/domain/ids.ts';
import { leasedUnits, type RunUnits, UNITS_LEASE_MS, type UnitsClaim } from '../../../shared/domain/leased-units.ts';
import { limitOf, type ResourceLimits } from '../../../shared/domain/needs.ts';

const [a, b, c] = [runId('a'), runId('b'), runId('c')];
const claim = (index: number, needs: Readonly<Record<string, number>> = { db: 1 }): UnitsClaim => ({
  attempt: attemptId(shardId(index), 1),
  resources: Object.entries(needs).map(([name, units]) => ({ name, units })),
});

/** Runs that ask one after the other. */
function pool() {
  const book = new Map<RunId, RunUnits>();
  return {
    book,
    /** Resolves with the shards whose attempts are granted. */
    ask(run: RunId, now: number, claims: readonly UnitsClaim[], limits: ResourceLimits = {}): readonly string[] {
      for (const gone of goneRuns(book, now)) if (gone !== run) book.delete(gone);
      const units = leaseUnits(book, { run, epoch: 1, claims, limits }, now);
      if (claims.length === 0) book.delete(run);
      else book.set(run, units);
      return units.claims.flatMap(({ attempt, isGranted }) => (isGranted ? [attempt.split('.')[0] ?? ''] : []));
    },
  };
}

test('grants a unit to one run, and to the next one once it is released', () => {
  const { ask } = pool();
  expect(ask(a, 1000, [claim(1)])).toEqual(['s1']);
  expect(ask(b, 2000, [claim(7)])).toEqual([]);
  expect(ask(a, 3000, [])).toEqual([]);
  expect(ask(b, 4000, [claim(7)])).toEqual(['s7']);
});

test('grants in the order in which claims were first made, whichever run asks first afterwards', () => {
  const { ask } = pool();
  ask(a, 1000, [claim(1)]);
  expect(ask(c, 2000, [claim(3)])).toEqual([]);
  expect(ask(b, 3000, [claim(2)])).toEqual([]);
  // The run that had the unit claims it again, after the others.
  expect(ask(a, 4000, [claim(4)])).toEqual([]);
  expect(ask(b, 5000, [claim(2)])).toEqual([]);
  expect(ask(c, 6000, [claim(3)])).toEqual(['s3']);
  ask(c, 7000, []);
  expect(ask(a, 8000, [claim(4)])).toEqual([]);
  expect(ask(b, 9000, [claim(2)])).toEqual(['s2']);
});

test('keeps a unit free for an earlier claim of several resources', () => {
  const { ask } = pool();
  ask(a, 1000, [claim(1, { db: 1 })]);
  expect(ask(b, 2000, [claim(2, { db: 1, port: 1 })])).toEqual([]);
  expect(ask(c, 3000, [claim(3, { port: 1 })])).toEqual([]);
  ask(a, 4000, []);
  expect(ask(c, 5000, [claim(3, { port: 1 })])).toEqual([]);
  expect(ask(b, 6000, [claim(2, { db: 1, port: 1 })])).toEqual(['s2']);
});

test('frees the units of a run that has not renewed them for a lease, and gives none back to it while others hold them', () => {
  const { ask } = pool();
  ask(a, 1000, [claim(1)]);
  expect(ask(b, 1000 + UNITS_LEASE_MS - 1, [claim(2)])).toEqual([]);
  expect(ask(b, 1000 + UNITS_LEASE_MS, [claim(2)])).toEqual(['s2']);
  expect(ask(a, 2000 + UNITS_LEASE_MS, [claim(1)])).toEqual([]);
});

test('a coordinator gives way to a later one of its run, and not to the lease of an earlier run with the same id that has ended', () => {
  const request = { run: a, epoch: 1, claims: [claim(1)], limits: {} };
  const book = new Map([[a, leaseUnits(new Map(), { ...request, epoch: 2 }, 1000)]]);
  expect(isDeposed(book, request, 1000 + UNITS_LEASE_MS - 1)).toBe(true);
  expect(isDeposed(book, request, 1000 + UNITS_LEASE_MS)).toBe(false);
});

test('a coordinator that takes over keeps the grants of its run', () => {
  const request = { run: a, epoch: 1, claims: [claim(1)], limits: {} };
  const book = new Map([[a, leaseUnits(new Map(), request, 1000)]]);
  expect(leaseUnits(book, { ...request, epoch: 2 }, 13_000)).toMatchObject({ epoch: 2, claims: [{ since: 1000, isGranted: true }] });
});

test('a claim whose units change loses its grant and its turn', () => {
  const { ask } = pool();
  const limits = { db: 2 };
  expect(ask(a, 1000, [claim(1)], limits)).toEqual(['s1']);
  expect(ask(b, 2000, [claim(2, { db: 2 })], limits)).toEqual([]);
  expect(ask(a, 3000, [claim(1, { db: 2 })], limits)).toEqual([]);
  expect(ask(b, 4000, [claim(2, { db: 2 })], limits)).toEqual(['s2']);
});

test('ignores a lease that no coordinator can have written', () => {
  const { book, ask } = pool();
  ask(a, 1000, [claim(1)]);
  const units = book.get(a);
  if (units === undefined) throw new Error('nothing is claimed');
  book.set(a, { ...units, until: 9e15 });
  expect(ask(b, 2000, [claim(2)])).toEqual(['s2']);
});

test('uses the smaller limit while a run that names it uses the resource, and the own one otherwise', () => {
  const { ask } = pool();
  expect(ask(a, 1000, [claim(1)], { db: 2 })).toEqual(['s1']);
  expect(ask(b, 2000, [claim(2), claim(3)], { db: 5 })).toEqual(['s2']);
  ask(a, 3000, [], { db: 2 });
  expect(ask(b, 4000, [claim(2), claim(3), claim(4, { db: 3 })], { db: 5 })).toEqual(['s2', 's3', 's4']);
  expect(ask(a, 5000, [claim(5)], { db: 2 })).toEqual([]);
});

test('an agent learns what is granted, and when that was renewed', () => {
  const { book, ask } = pool();
  ask(a, 1000, [claim(1), claim(2)]);
  expect(leasedUnits(book.get(a) ?? null, 4000)).toEqual({ ageMs: 3000, granted: new Set([claim(1).attempt]) });
  expect(leasedUnits(null, 4000).ageMs).toBe(Number.POSITIVE_INFINITY);
});

test('whatever runs claim and whenever they ask, no limit is exceeded, and every claim is granted', () => {
  const names = ['db', 'port'] as const;
  const limits: Readonly<Record<RunId, ResourceLimits>> = { [a]: { db: 1, port: 2 }, [b]: { db: 2, port: 2 }, [c]: { db: 3 } };
  const someClaim = (run: RunId) =>
    fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })).map(([db, port]) => {
      const wanted = Object.entries({ db, port }).map(
        ([name, units]) => [name, Math.min(units, limitOf(limits[run] ?? {}, name))] as const,
      );
      return Object.fromEntries(wanted.filter(([, units]) => units > 0));
    });
  const works = fc.record({ [a]: fc.array(someClaim(a)), [b]: fc.array(someClaim(b)), [c]: fc.array(someClaim(c)) });
  fc.assert(
    fc.property(works, fc.infiniteStream(fc.nat()), (work, choices) => {
      const { book, ask } = pool();
      const open = new Map<RunId, UnitsClaim[]>(
        [a, b, c].map((run) => [
          run,
          (work[run] ?? []).map((needs, index) => claim(index + 1, needs)).filter(({ resources }) => resources.length > 0),
        ]),
      );
      for (let turn = 0; [...open.values()].some((claims) => claims.length > 0); turn += 1) {
        expect(turn).toBeLessThan(2000);
        const choice = choices.next().value ?? 0;
        const run = [a, b, c][choice % 3] ?? a;
        const claims = open.get(run) ?? [];
        const granted = ask(run, 1000 + turn, claims, limits[run]);
        for (const name of names) {
          const held = [...book].flatMap(([holder, units]) =>
            units.claims.flatMap(({ isGranted, resources }) =>
              isGranted
                ? resources.filter((need) => need.name === name).map((need) => ({ ...need, limit: limitOf(limits[holder] ?? {}, name) }))
                : [],
            ),
          );
          const used = held.reduce((sum, { units }) => sum + units, 0);
          if (held.length > 0) expect(used).toBeLessThanOrEqual(Math.min(...held.map(({ limit }) => limit)));
        }
        // One of the granted attempts may end.
        const done = granted[(choice >> 2) % Math.max(1, granted.length * 2)];
        open.set(
          run,
          claims.filter(({ attempt }) => attempt.split('.')[0] !== done),
        );
      }
    }),
  );
});
