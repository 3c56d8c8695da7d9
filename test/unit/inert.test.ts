// The gate of text for people.

import { expect, test } from 'vitest';
import { inert } from '../../shared/text/inert.ts';

test.each([
  ['plain: a::b ## [x] #[y]', 'plain: a::b ## [x] #[y]'],
  ['\u001b[1;31mred\u001b[0m\tand\nmore', '\u001b[1;31mred\u001b[0m\tand\nmore'],
  ['\u001b[2J\u001b]52;c;aGk=\u0007\r', '\\x1B[2J\\x1B]52;c;aGk=\\x07\\x0D'],
  ['a\u202eb\u2066c', 'a\\x202Eb\\x2066c'],
  ['::set-output name=a::b', '\\::set-output name=a::b'],
  ['first\n  ::error::forged\n\u001b[31m::add-mask::x\u001b[0m', 'first\n  \\::error::forged\n\u001b[31m\\::add-mask::x\u001b[0m'],
  ['id[##[set-output name=a]b]', 'id[##\\[set-output name=a]b]'],
  ['##vso[task.setvariable] ##teamcity[x]', '##vso\\[task.setvariable] ##teamcity\\[x]'],
])('%j', (text, shown) => {
  expect(inert(text)).toBe(shown);
  expect(inert(shown)).toBe(shown);
});
