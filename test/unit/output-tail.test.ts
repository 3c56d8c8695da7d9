import { expect, test } from 'vitest';
import { createOutputTail } from '../../shared/pytest/output-tail.ts';

const tailOf = (limitBytes: number, ...chunks: string[]) => {
  const tail = createOutputTail(limitBytes);
  for (const chunk of chunks) tail.add(Buffer.from(chunk));
  return tail;
};

test('keeps the end of the output, however it was cut into chunks', () => {
  expect(tailOf(4, 'ab', 'cde', 'f').text()).toBe('cdef');
  expect(tailOf(4, 'abcdef').text()).toBe('cdef');
  expect(tailOf(4, 'ab').text()).toBe('ab');
});

test('counts all bytes, including those that it drops', () => {
  expect(tailOf(4, 'ab', 'cde', 'f').printedBytes()).toBe(6);
});

test('omits output from before a given byte', () => {
  const tail = tailOf(4, 'ab', 'cde', 'f');
  expect(tail.text(5)).toBe('f');
  expect(tail.text(6)).toBe('');
  expect(tail.text(100)).toBe('');
  expect(tail.text(1)).toBe('cdef');
});

test('is empty before anything was printed', () => {
  expect(tailOf(4).text()).toBe('');
});
