// What a command has opened is closed, whatever happens.

import { expect, test } from 'vitest';
import { createClosingStack } from '../../../shared/system/closing-stack.ts';

test('closes in the reverse order, once, and goes on after an error', async () => {
  const closed: string[] = [];
  const stack = createClosingStack();
  const first = {
    [Symbol.asyncDispose]: async () => {
      closed.push('first');
    },
  };
  expect(stack.use(first)).toBe(first);
  stack.defer(() => Promise.reject(new Error('second does not close')));
  stack.defer(() => closed.push('third'));
  await expect(stack[Symbol.asyncDispose]()).rejects.toThrow('second does not close');
  expect(closed).toEqual(['third', 'first']);
  await stack[Symbol.asyncDispose]();
  expect(closed).toHaveLength(2);
});

test('throws every error of closing', async () => {
  const stack = createClosingStack();
  for (const name of ['a', 'b']) stack.defer(() => Promise.reject(new Error(name)));
  await expect(stack[Symbol.asyncDispose]()).rejects.toMatchObject({ errors: [{ message: 'b' }, { message: 'a' }] });
});
