// The resources of a fleet in the configuration: how many units there are of each, and which files need one.

import { NEEDS_LIMITS, type ResourceLimits } from '../domain/needs.ts';

export interface ResourceRule {
  readonly name: string;
  /** Units that may be in use at once. */
  readonly limit: number;
  /** Globs of test files whose tests need one unit each. */
  readonly tests: readonly string[];
}

/** `NAME=LIMIT` words, or the table of pyproject.toml as JSON: a limit for each name, or `{ limit, tests }`. null if it is neither. */
export function parseResources(text: string): readonly ResourceRule[] | null {
  const given = text.trim().startsWith('{') ? tableIn(text) : wordsIn(text);
  return given === null || given.some((rule) => rule === null) ? null : given.filter((rule) => rule !== null);
}

export const limitsOf = (rules: readonly ResourceRule[]): ResourceLimits =>
  Object.fromEntries(rules.map(({ name, limit }) => [name, limit]));

const wordsIn = (text: string): readonly (ResourceRule | null)[] =>
  text
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => {
      const [, name = '', limit = ''] = /^(.+)=(\d{1,7})$/.exec(word) ?? [];
      return ruleOf(name, Number(limit), []);
    });

function tableIn(text: string): readonly (ResourceRule | null)[] | null {
  const table = parsed(text);
  if (typeof table !== 'object' || table === null) return null;
  return Object.entries(table).map(([name, value]: [string, unknown]) => {
    if (typeof value !== 'object' || value === null) return ruleOf(name, value, []);
    const { limit = 1, tests = [], ...others } = value as { limit?: unknown; tests?: unknown };
    const globs: unknown = typeof tests === 'string' ? [tests] : tests;
    if (Object.keys(others).length > 0 || !Array.isArray(globs) || !globs.every((glob) => typeof glob === 'string')) return null;
    return ruleOf(name, limit, globs);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function ruleOf(name: string, limit: unknown, tests: readonly string[]): ResourceRule | null {
  if (name === '' || name.length > NEEDS_LIMITS.nameChars || typeof limit !== 'number') return null;
  return Number.isInteger(limit) && limit >= 1 && limit <= NEEDS_LIMITS.units ? { name, limit, tests } : null;
}
