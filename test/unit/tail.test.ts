import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tailOf } from '../../shared/text/tail.ts';

test('keeps a short text whole, and the last whole lines of a long one', () => {
  expect(tailOf('one\ntwo', 100)).toBe('one\ntwo');
  expect(tailOf('first line\nsecond line\nthird', 15)).toBe('third');
  expect(tailOf('first line\nsecond line\nthird', 17)).toBe('second line\nthird');
  expect(tailOf('one line without an end', 6)).toBe('an end');
});

test('keeps an end of the text within the limit, and starts inside a line only if it keeps just a part of it', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.integer({ min: 1, max: 50 }), (lines, chars) => {
      const text = lines.join('\n');
      const end = tailOf(text, chars);
      expect(text.endsWith(end)).toBe(true);
      expect(end.length).toBeLessThanOrEqual(chars);
      const before = text[text.length - end.length - 1];
      expect(before === undefined || before === '\n' || !end.includes('\n')).toBe(true);
    }),
  );
});
