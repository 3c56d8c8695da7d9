// Formats a forecast as text.

import { oneLine, plural } from '../../../shared/text/safe-text.ts';
import type { Forecast, Remedy } from '../../core/state/events.ts';

/** `done in about 40 s`. */
export const timeLeft = ({ secondsLeft }: Forecast): string => `done in about ${Math.ceil(secondsLeft)} s`;

/**
 * Says by how much the run misses its deadline and what would fix that. Returns null if the forecast meets the deadline. The sentence
 * begins with `basis`.
 */
export function lateLine({ lateSeconds, remedy }: Forecast, basis = 'At this rate'): string | null {
  if (lateSeconds === null || lateSeconds === 0 || remedy === null) return null;
  const ways = waysOut(remedy);
  const fix = ways.length === 0 ? '' : ` ${ways.join(', or ')} would fix it.`;
  return `${basis} the run misses its deadline by ${Math.ceil(lateSeconds)} s.${fix}`;
}

function waysOut({ agents, workersPerAgent, leaveOut }: Remedy): readonly string[] {
  const ways: string[] = [];
  if (agents !== null) {
    const each = agents === 1 ? '' : ' each';
    ways.push(`${agents} more ${agents === 1 ? 'agent' : 'agents'} (${plural(Math.max(1, Math.round(workersPerAgent)), 'worker')}${each})`);
  }
  if (leaveOut.files > 0) {
    const named = leaveOut.named.map(oneLine).join(', ');
    const more = leaveOut.files - leaveOut.named.length;
    const which = leaveOut.files === 1 ? 'this file' : `these ${leaveOut.files} files`;
    ways.push(`${ways.length === 0 ? 'Leaving' : 'leaving'} out ${which} (${named}${more > 0 ? ` and ${more} more` : ''})`);
  }
  return ways;
}
