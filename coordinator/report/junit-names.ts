// What a JUnit file calls a test.

import { xmlSafe } from './harmless.ts';

/** As pytest names them: `tests/test_a.py::Class::test[x]` is `test[x]` of class `tests.test_a.Class`. */
export function namesOf(id: string): { classname: string; name: string } {
  const bracket = id.indexOf('[');
  const [path = '', ...parts] = (bracket === -1 ? id : id.slice(0, bracket)).split('::');
  const module = path.replace(/\.py$/, '').replaceAll('/', '.');
  const last = parts.pop();
  if (last === undefined) return { classname: '', name: xmlSafe(id) };
  return { classname: xmlSafe([module, ...parts].join('.')), name: xmlSafe(`${last}${bracket === -1 ? '' : id.slice(bracket)}`) };
}

/** One text for both, the same for a test of today and for one that was read from a file. */
export const junitKey = ({ classname, name }: { classname: string; name: string }): string => `${classname}::${name}`;
