// A forecast in words.

import { oneLine, plural } from '../../../shared/text/safe-text.ts';
import type { Forecast, Remedy } from '../../core/state/events.ts';

/** `done in about 40 s`. */
export const timeLeft = ({ secondsLeft }: Forecast): string => `done in about ${Math.ceil(secondsLeft)} s`;

/** By how much the deadline is missed and what would mend that; null for a forecast that keeps it. */
export function lateLine({ lateSeconds, remedy }: Forecast): string | null {
  if (lateSeconds === null || lateSeconds === 0 || remedy === null) return null;
  const ways = waysOut(remedy);
  const mend = ways.length === 0 ? '' : `: ${ways.join(', or ')} would mend that`;
  return `at this speed the deadline comes ${Math.ceil(lateSeconds)} s too early${mend}`;
}

function waysOut({ agents, workersPerAgent, leaveOut }: Remedy): readonly string[] {
  const ways: string[] = [];
  if (agents !== null) {
    ways.push(`${agents} more ${agents === 1 ? 'agent' : 'agents'} of ${plural(Math.max(1, Math.round(workersPerAgent)), 'worker')}`);
  }
  if (leaveOut.files > 0) {
    const named = leaveOut.named.map(oneLine).join(', ');
    const more = leaveOut.files - leaveOut.named.length;
    const which = leaveOut.files === 1 ? 'this file' : `these ${leaveOut.files} files`;
    ways.push(`leaving out ${which} (${named}${more > 0 ? ` and ${more} more` : ''})`);
  }
  return ways;
}
