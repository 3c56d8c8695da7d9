// How often a failed test is rerun, and how many failures disable reruns.

/** `times` 0 disables reruns. A percentage is a share of the known tests, rounded up. */
export interface Reruns {
  readonly times: number;
  readonly limit: RerunLimit;
}

export type RerunLimit = { readonly kind: 'tests'; readonly tests: number } | { readonly kind: 'percent'; readonly percent: number };

/** Parses `20` or `5%`. Returns null for anything else. */
export function parseRerunLimit(text: string): RerunLimit | null {
  const [, amount = '', unit] = /^(\d{1,6}(?:\.\d+)?)(%?)$/.exec(text.trim()) ?? [];
  if (unit === '%') return { kind: 'percent', percent: Number(amount) };
  return /^\d+$/.test(amount) ? { kind: 'tests', tests: Number(amount) } : null;
}
