// Outputs for people: what they execute of a text, which is nothing, and whether they have colours and a screen that is redrawn.

import { inert } from '../text/inert.ts';
import type { Output } from './edge.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Follows pytest's rules: NO_COLOR first (https://no-color.org), then FORCE_COLOR; otherwise a terminal that is not dumb. */
export function takesColor({ isTTY }: Output, env: Environment): boolean {
  if (isSet(env.NO_COLOR)) return false;
  if (isSet(env.FORCE_COLOR)) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return isTTY === true && env.TERM !== 'dumb';
}

/** An interactive terminal with a size. A CI job's terminal is a record that would keep every redraw. */
export function takesScreen({ isTTY, columns = 0, rows = 0 }: Output, env: Environment): boolean {
  const isRecord = isSet(env.CI) && env.CI !== '0' && env.CI !== 'false';
  return isTTY === true && columns > 0 && rows > 0 && env.TERM !== 'dumb' && !isRecord;
}

const isSet = (value: string | undefined): value is string => value !== undefined && value !== '';

/** The output, on which nothing but colours is executed. */
export const forPeople = (stream: Output): Output => ({
  write: (text) => stream.write(inert(text)),
  get isTTY() {
    return stream.isTTY;
  },
  get columns() {
    return stream.columns;
  },
  get rows() {
    return stream.rows;
  },
});
