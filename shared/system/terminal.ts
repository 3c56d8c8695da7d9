// What an output takes besides plain lines: colours, and a screen that is drawn again and again.

import type { Output } from './edge.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** As pytest decides it: NO_COLOR first (https://no-color.org), then FORCE_COLOR; else a terminal that is not dumb. */
export function takesColor({ isTTY }: Output, env: Environment): boolean {
  if (isSet(env.NO_COLOR)) return false;
  if (isSet(env.FORCE_COLOR)) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return isTTY === true && env.TERM !== 'dumb';
}

/** A terminal with a size in front of a person: that of a CI job is a record, where every drawing would stay. */
export function takesScreen({ isTTY, columns = 0, rows = 0 }: Output, env: Environment): boolean {
  const isRecord = isSet(env.CI) && env.CI !== '0' && env.CI !== 'false';
  return isTTY === true && columns > 0 && rows > 0 && env.TERM !== 'dumb' && !isRecord;
}

const isSet = (value: string | undefined): value is string => value !== undefined && value !== '';
