// Files that kill the worker that collects them.

import { expect, test } from 'vitest';
import { createDeadlyFiles } from '../../../agent/pytest/session/deadly-files.ts';

test('blames the file that the worker was collecting, with the internal error of pytest', () => {
  const deadly = createDeadlyFiles();
  deadly.begin('gw0', 'test_a.py');
  deadly.end('gw0');
  deadly.begin('gw0', 'test_b.py');
  deadly.fail('gw0', 'INTERNALERROR');
  expect(deadly.lose('gw0', 'Not properly terminated')).toBe(true);
  expect(deadly.all()).toEqual({
    'test_b.py': 'xdist worker gw0 crashed while collecting test_b.py: Not properly terminated\nINTERNALERROR',
  });
});

test('blames no file for a death between files', () => {
  const deadly = createDeadlyFiles();
  deadly.begin('gw0', 'test_a.py');
  deadly.end('gw0');
  expect(deadly.lose('gw0', 'killed')).toBe(false);
  expect(deadly.all()).toEqual({});
});

test('blames no file beyond the 50th', () => {
  const deadly = createDeadlyFiles();
  const blamed = Array.from({ length: 52 }, (_, index) => {
    deadly.begin('gw0', `test_${index}.py`);
    return deadly.lose('gw0', 'killed');
  });
  expect(blamed.filter((each) => each)).toHaveLength(50);
  expect(Object.keys(deadly.all())).toHaveLength(50);
});
