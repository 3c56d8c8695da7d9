// The default case of every switch over a union. A new variant without a case fails to compile; an unknown value from outside throws.

/** Never returns. Throws `TypeError` with the value that no case handled. */
export function assertNever(value: never): never {
  throw new TypeError(`unhandled case: ${JSON.stringify(value)}`);
}
