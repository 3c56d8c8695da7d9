// The targets of a run, as users type them: `time<120s,speedup>=3,cpu>=80%,memory<2GB,pass-rate=100%`.

import { parseBytes } from '../text/bytes.ts';
import { parseDuration } from '../text/duration.ts';

type MeasureUnit = 'seconds' | 'bytes' | 'share' | 'number';

/** Every measure that can be a target, with the unit of its limit. docs/report.md defines each. */
export const measures = {
  time: 'seconds',
  makespan: 'seconds',
  'first-test': 'seconds',
  speedup: 'number',
  efficiency: 'share',
  cpu: 'share',
  memory: 'bytes',
  'pass-rate': 'share',
  flaky: 'number',
} as const satisfies Readonly<Record<string, MeasureUnit>>;
export type Measure = keyof typeof measures;
export const measureNames = Object.keys(measures) as Measure[];

export const comparisons = ['<', '<=', '>', '>=', '='] as const;

/** `limit` is in seconds, bytes, a fraction of 1, or a plain number. */
export interface Target {
  readonly measure: Measure;
  readonly is: (typeof comparisons)[number];
  readonly limit: number;
  /** The target as the user typed it. */
  readonly text: string;
}

/** Parses a comma-separated list. Returns null when one of its parts is not a target. */
export function parseTargets(text: string): readonly Target[] | null {
  const targets = text.split(',').map((part) => parseTarget(part.trim()));
  return targets.every((target) => target !== null) ? targets : null;
}

function parseTarget(text: string): Target | null {
  const [, name = '', sign = '', value = ''] = /^([a-z-]+)\s*(<=|>=|<|>|=)\s*(.+)$/.exec(text) ?? [];
  const measure = measureNames.find((each) => each === name);
  const is = comparisons.find((each) => each === sign);
  const limit = measure === undefined ? null : parseLimit(measures[measure], value);
  return measure === undefined || is === undefined || limit === null ? null : { measure, is, limit, text };
}

function parseLimit(unit: MeasureUnit, text: string): number | null {
  switch (unit) {
    case 'seconds':
      return parseDuration(text);
    case 'bytes':
      return parseBytes(text);
    case 'share': {
      const [, percent] = /^(\d+(?:\.\d+)?)\s*%$/.exec(text) ?? [];
      return percent === undefined ? parseNumber(text) : Number(percent) / 100;
    }
    case 'number':
      return parseNumber(text);
  }
}

const parseNumber = (text: string): number | null => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : null);
