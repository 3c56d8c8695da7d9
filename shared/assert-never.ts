// The end of every switch over a union: a new variant that nobody handles fails to compile, and throws if it comes from outside.

/** Never returns. Throws `TypeError` naming the value that no case handled. */
export function assertNever(value: never): never {
  throw new TypeError(`unhandled case: ${JSON.stringify(value)}`);
}
