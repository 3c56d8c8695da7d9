// The holder of a lease as Redis stores it.

import { expect, test } from 'vitest';
import { decodeHolder, encodeHolder } from '../../shared/wire/lease-holder.ts';

const holder = { id: '0e1d2c3b-4a59-4687-9786-a5b4c3d2e1f0', host: 'ci-1', pid: 42, line: null };

test('a holder is read as it was written', () => {
  expect(decodeHolder(encodeHolder(holder), 'test')).toEqual(holder);
});

test('a host name cannot move the cursor of a terminal, and has a limit', () => {
  expect(decodeHolder(encodeHolder({ ...holder, host: 'a\u001b[2Jb\nc' }), 'test').host).toBe('ab\\nc');
  expect(decodeHolder(encodeHolder({ ...holder, host: 'h'.repeat(999) }), 'test').host).toHaveLength(253);
});

test.each([
  ['a text that is not JSON', 'x', 'bad-message'],
  ['a holder without a process', JSON.stringify({ version: 1, ...holder, pid: 0 }), 'bad-message'],
  ['a holder of a newer shardline', JSON.stringify({ version: 9, ...holder }), 'newer-version'],
])('rejects %s', (_name, text, code) => {
  expect(() => decodeHolder(text, 'test')).toThrow(expect.objectContaining({ code }));
});
