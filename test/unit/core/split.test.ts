// Which files are divided, and that no test is lost or doubled by it.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EstimatedSelector } from '../../../coordinator/core/plan.ts';
import { splitFiles } from '../../../coordinator/core/split.ts';
import { type NodeId, nodeId, type TestFile, testFile } from '../../../shared/ids.ts';
import type { FileTiming } from '../../../shared/timings.ts';

const history = (file: string, seconds: readonly number[], collectSeconds = 0.1): [TestFile, FileTiming] => [
  testFile(file),
  {
    seconds: seconds.reduce((sum, each) => sum + each, collectSeconds),
    collectSeconds,
    tests: new Map(seconds.map((each, index) => [nodeId(`${file}::test_${index}`), each])),
  },
];
const whole = ([file, { seconds }]: [TestFile, FileTiming]): EstimatedSelector => ({ selector: { kind: 'file', file }, seconds });

/** Which parts would run this test. */
const takers = (parts: readonly EstimatedSelector[], id: NodeId): number =>
  parts.filter(({ selector }) => selector.kind === 'part' && !selector.except.includes(id) && (selector.only?.includes(id) ?? true)).length;

test('a file that alone would hold up the end is divided, and each test of it, known or new, is in one part', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.01, max: 5, noNaN: true }), { minLength: 2, maxLength: 40 }),
      fc.integer({ min: 2, max: 8 }),
      (seconds, slots) => {
        const long = history('long.py', seconds);
        const files = splitFiles([whole(long), whole(history('short.py', [0.01]))], new Map([long]), slots, null);
        const parts = files.filter(({ selector }) => selector.file === 'long.py');
        if (parts.length === 1) return;
        expect(parts.length).toBeLessThanOrEqual(slots);
        for (const id of [...long[1].tests.keys(), nodeId('long.py::test_new')]) expect(takers(parts, id)).toBe(1);
        for (const part of parts) expect(part.seconds).toBeLessThan(long[1].seconds);
      },
    ),
  );
});

test('the parts of a long file share its tests evenly', () => {
  const long = history(
    'long.py',
    Array.from({ length: 40 }, () => 1),
  );
  const others = Array.from({ length: 60 }, (_, index) => history(`f${index}.py`, [1]));
  const parts = splitFiles([long, ...others].map(whole), new Map([long, ...others]), 4, null).filter(
    ({ selector }) => selector.kind === 'part',
  );
  expect(parts.map(({ seconds }) => Math.round(seconds))).toEqual([20, 20]);
});

test('a file stays whole where that costs nothing, where collection outweighs its tests, and without history', () => {
  const long = history('long.py', [5, 5]);
  const many = Array.from({ length: 20 }, (_, index) => history(`f${index}.py`, [3]));
  const kinds = (files: readonly EstimatedSelector[]): string[] => files.map(({ selector }) => selector.kind);
  expect(new Set(kinds(splitFiles([long, ...many].map(whole), new Map([long, ...many]), 2, null)))).toEqual(new Set(['file']));
  const heavy = history('heavy.py', [1, 1], 5);
  expect(kinds(splitFiles([whole(heavy)], new Map([heavy]), 4, null))).toEqual(['file']);
  expect(kinds(splitFiles([whole(long)], new Map(), 4, null))).toEqual(['file']);
  expect(kinds(splitFiles([whole(long)], new Map([long]), 1, null))).toEqual(['file']);
});

test('a threshold divides files that the plan alone would leave whole', () => {
  const long = history('long.py', [5, 5]);
  const many = Array.from({ length: 20 }, (_, index) => history(`f${index}.py`, [3]));
  const files = splitFiles([long, ...many].map(whole), new Map([long, ...many]), 2, 6);
  expect(files.filter(({ selector }) => selector.kind === 'part')).toHaveLength(2);
});
