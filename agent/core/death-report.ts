// Describes the death of a process during its work, from what is known about that death.

import { faultDump, lastOutput } from './fault-dump.ts';

export interface Death {
  /** How the process ended. */
  readonly how: string;
  /** Time since the start of its work. */
  readonly seconds: number;
  /** Why the watchdog ended the process; null when something else did. */
  readonly endedBecause: string | null;
  /** pytest's output since the start of that work. */
  readonly output: string;
}

/** Extends `how` with the time spent on the work or the reason for the kill, and with the stacks or the last output. */
export function deathReport({ how, seconds, endedBecause, output }: Death): string {
  const why = endedBecause ?? `after ${seconds.toFixed(1)} s`;
  const hint = endedBecause !== null || !how.includes('SIGKILL') ? '' : ' (as the kernel does when memory runs out)';
  const dump = faultDump(output);
  const last = dump === null ? lastOutput(output) : '';
  return `${how}${hint} ${why}${dump === null ? '' : `\n\n${dump}`}${last === '' ? '' : `\n\npytest printed last:\n${last}`}`;
}
