// What a JUnit file calls a test.

import { xmlSafe } from '../../../shared/text/safe-text.ts';

/**
 * As pytest names them: `tests/test_a.py::Class::test[x]` is `test[x]` of class `tests.test_a.Class`. A file stands for itself where it skipped itself or
 * could not be collected: `tests/test_a.py` is `tests.test_a` of no class (measured, pytest 7 to 9).
 */
export function namesOf(id: string): { classname: string; name: string } {
  const bracket = id.indexOf('[');
  const [path = '', ...parts] = (bracket === -1 ? id : id.slice(0, bracket)).split('::');
  const names = [path.replace(/\.py$/, '').replaceAll('/', '.'), ...parts];
  const last = names.pop() ?? '';
  return { classname: names.join('.'), name: `${last}${bracket === -1 ? '' : id.slice(bracket)}` };
}

/** One text for both, the same for a test of today and for one that was read from a file. */
export const junitKey = ({ classname, name }: { classname: string; name: string }): string =>
  xmlSafe(classname === '' ? name : `${classname}::${name}`);
