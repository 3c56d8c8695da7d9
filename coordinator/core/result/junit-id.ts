// Maps a test to its name in a JUnit file.

import { xmlSafe } from '../../../shared/text/safe-text.ts';

/**
 * Names as pytest writes them: `tests/test_a.py::Class::test[x]` is `test[x]` of class `tests.test_a.Class`. A file that skipped itself or
 * could not be collected is a case of its own: `tests/test_a.py` is `tests.test_a` without a class (measured, pytest 7 to 9).
 */
export function namesOf(id: string): { classname: string; name: string } {
  const bracket = id.indexOf('[');
  const [path = '', ...parts] = (bracket === -1 ? id : id.slice(0, bracket)).split('::');
  const names = [path.replace(/\.py$/, '').replaceAll('/', '.'), ...parts];
  const last = names.pop() ?? '';
  return { classname: names.join('.'), name: `${last}${bracket === -1 ? '' : id.slice(bracket)}` };
}

/** One key from both names, equal for a test of this run and a test read from a file. */
export const junitKey = ({ classname, name }: { classname: string; name: string }): string =>
  xmlSafe(classname === '' ? name : `${classname}::${name}`);
