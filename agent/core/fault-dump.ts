// Finds the dump that Python's faulthandler wrote into the output of a crashing pytest.

import { tailOf } from '../../shared/text/tail.ts';

const FIRST = 'Fatal Python error: ';
/** Headings, frames, and the sections that newer Python versions add. */
const DUMPED = /^(?:Fatal Python error: |Current thread|Thread 0x| {2}|Extension modules: |Python runtime state: |Garbage-collecting|$)/;
const DUMP_CHARS = 8000;
const TAIL_CHARS = 2000;
/** xdist's own lines about a dead worker. */
const XDIST = /^(?:\[gw\d+\] node down: |replacing crashed worker )/;

/** The last dump in `output`, without the lines that other processes wrote after it; null when there is none. */
export function faultDump(output: string): string | null {
  // pytest's progress dots may precede the dump on its line.
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

/** The end of `output` without xdist's lines about dead workers, which say nothing about the cause. Empty when nothing is left. */
export const lastOutput = (output: string): string =>
  tailOf(
    output
      .split('\n')
      .filter((line) => !XDIST.test(line))
      .join('\n')
      .trim(),
    TAIL_CHARS,
  );
