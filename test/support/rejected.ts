// What a run must say of messages that do not count: the report counts them, the terminal names them at the end, and those that the coordinator
// could not take at all when they come.

import { expect } from 'vitest';
import { rejectionLines } from '../../coordinator/reporters/summary/agent-text.ts';
import type { Rejection, RejectionCause, Report } from '../../shared/domain/report.ts';

/** Messages of these causes are rejected as a whole; of others, single events do not count. */
const WHOLE: readonly RejectionCause[] = ['unreadable', 'other-version', 'not-trusted', 'repeated', 'expired'];

/** `printed` is all output of the run. */
export function expectRejected(report: Pick<Report, 'rejected'>, printed: string, expected: readonly Rejection[]): void {
  expect(report.rejected).toHaveLength(expected.length);
  expect(report.rejected).toEqual(expect.arrayContaining([...expected]));
  for (const line of rejectionLines({ rejected: expected })) expect(printed).toContain(line);
  for (const { agent, why } of expected) {
    const sender = agent === null ? 'an unknown sender' : `agent ${agent}`;
    if (WHOLE.includes(why)) expect(printed).toContain(`Rejected a message of ${sender}: `);
  }
}
