// What Python's faulthandler has written into the output of a pytest, as it died.

import { tailOf } from '../../shared/text/tail.ts';

const FIRST = 'Fatal Python error: ';
/** Headings, frames, and what newer versions add. */
const DUMPED = /^(?:Fatal Python error: |Current thread|Thread 0x| {2}|Extension modules: |Python runtime state: |Garbage-collecting|$)/;
const DUMP_CHARS = 8000;
const TAIL_CHARS = 2000;
/** xdist's own account of the death. */
const XDIST = /^(?:\[gw\d+\] node down: |replacing crashed worker )/;

/** The last dump in `output`, without what other processes wrote behind it; null when there is none. */
export function faultDump(output: string): string | null {
  // pytest's dots may stand before it.
  const first = output.lastIndexOf(FIRST);
  if (first === -1) return null;
  const rest = output.slice(first).split('\n');
  const end = rest.findIndex((line) => !DUMPED.test(line));
  return rest
    .slice(0, end === -1 ? undefined : end)
    .join('\n')
    .trim()
    .slice(0, DUMP_CHARS);
}

/** What else of `output` may tell why: its end, but for what xdist says of every dead worker. Empty when there is nothing. */
export const lastOutput = (output: string): string =>
  tailOf(
    output
      .split('\n')
      .filter((line) => !XDIST.test(line))
      .join('\n')
      .trim(),
    TAIL_CHARS,
  );
