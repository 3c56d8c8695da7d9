// Formats a forecast as text.

import { oneLine, plural } from '../../../shared/text/safe-text.ts';
import type { Forecast, Remedy } from '../../core/state/events.ts';

/** `done in about 40 s`. */
export const timeLeft = ({ secondsLeft }: Forecast): string => `done in about ${Math.ceil(secondsLeft)} s`;

/**
 * Says by how much the run misses its deadline and what would fix that. Returns null if the forecast meets the deadline. The sentence
 * begins with `basis`.
 */
export function lateLine({ lateSeconds, remedy }: Forecast, basis = 'At this rate the run'): string | null {
  if (lateSeconds === null || lateSeconds === 0 || remedy === null) return null;
  const ways = ['raise --deadline', ...waysOut(remedy)];
  const fix = ways.length === 1 ? ways[0] : `${ways.slice(0, -1).join(', ')}, or ${ways.at(-1)}`;
  return `${basis} misses its deadline by ${Math.ceil(lateSeconds)} s. Fix: ${fix}.`;
}

function waysOut({ agents, workersPerAgent, leaveOut }: Remedy): readonly string[] {
  const ways: string[] = [];
  if (agents !== null) {
    const each = agents === 1 ? '' : ' each';
    ways.push(`add ${plural(agents, 'agent')} (${plural(Math.max(1, Math.round(workersPerAgent)), 'worker')}${each})`);
  }
  if (leaveOut.files > 0) {
    const more = leaveOut.files - leaveOut.named.length;
    const named = leaveOut.named.map(oneLine).join(', ');
    ways.push(`leave out ${plural(leaveOut.files, 'file')}: ${named}${more > 0 ? ` and ${more} more` : ''}`);
  }
  return ways;
}
