import { expect, test } from 'vitest';
import { affinityOf, scopeOf, unite } from '../../../coordinator/core/plan/affinity.ts';
import { nodeId, type TestFile, testFile } from '../../../shared/domain/ids.ts';

const all = (...names: readonly string[]): readonly TestFile[] => names.map(testFile);

test('files that share a bond form one set, even through other files', () => {
  expect(affinityOf('load', [all('a', 'b'), all('c', 'd'), all('e'), all('b', 'c')]).together.map((set) => [...set].sort())).toEqual([
    ['a', 'b', 'c', 'd'],
    ['e'],
  ]);
  expect(affinityOf('load', [])).toEqual({ unit: 'test', together: [] });
});

test('unites the files of a set into one unit at the place of the first and leaves other files alone', () => {
  const units = all('a', 'b', 'c', 'd').map((file) => ({ selectors: [{ kind: 'file' as const, file }], seconds: 2 }));
  const united = unite(units, affinityOf('load', [all('b', 'd', 'gone')]));
  expect(united.map(({ selectors, seconds }) => [selectors.map(({ file }) => file).join(), seconds])).toEqual([
    ['a', 2],
    ['b,d', 4],
    ['c', 2],
  ]);
});

test.each([
  ['f.py::test_x', 'f.py'],
  ['f.py::test_x[a::b]', 'f.py'],
  ['f.py::TestA::test_x', 'f.py::TestA'],
  ['f.py::TestA::TestB::test_x[1]', 'f.py::TestA'],
])('%s belongs to the scope %s', (id, scope) => {
  expect(scopeOf(nodeId(id))).toBe(scope);
});
