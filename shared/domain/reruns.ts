// How often a failed test is run again, and how many may fail before nothing is.

/** `times` 0 means that nothing is run again. A limit in percent is one of the tests that are known, rounded up. */
export interface Reruns {
  readonly times: number;
  readonly limit: RerunLimit;
}

export type RerunLimit = { readonly kind: 'tests'; readonly tests: number } | { readonly kind: 'percent'; readonly percent: number };

/** `20` or `5%`; null for anything else. */
export function parseRerunLimit(text: string): RerunLimit | null {
  const [, amount = '', unit] = /^(\d{1,6}(?:\.\d+)?)(%?)$/.exec(text.trim()) ?? [];
  if (unit === '%') return { kind: 'percent', percent: Number(amount) };
  return /^\d+$/.test(amount) ? { kind: 'tests', tests: Number(amount) } : null;
}
