// Draws the timeline of a run as text: one line per xdist worker, one column per time interval, darker where the worker is busier.

import cliTruncate from 'cli-truncate';
import type { Report } from '../../../shared/domain/report.ts';
import { oneLine } from '../../../shared/text/safe-text.ts';
import { inSeconds } from '../summary/profile-text.ts';
import { padded, widest } from '../text/fit.ts';

const COLUMNS = 60;
const SHADES = ['·', '░', '▒', '▓', '█'] as const;
/** Maximum number of xdist workers to draw. */
const LINES = 32;

/** Covers the first test's start to the last test's end. Empty if no test ran. */
export function timelineText(report: Report): string[] {
  const lanes = new Map<string, { readonly from: number; readonly to: number }[]>();
  for (const { attempts } of report.tests) {
    for (const { agent, worker, startedAt, seconds } of attempts) {
      const from = Date.parse(startedAt);
      // A start at the epoch means that the start is unknown.
      if (from <= 0) continue;
      const name = oneLine(`${agent} ${worker}`);
      const lane = lanes.get(name);
      const span = { from, to: from + seconds * 1000 };
      if (lane === undefined) lanes.set(name, [span]);
      else lane.push(span);
    }
  }
  let firstAt = Number.POSITIVE_INFINITY;
  let lastAt = 0;
  for (const { from, to } of [...lanes.values()].flat()) {
    firstAt = Math.min(firstAt, from);
    lastAt = Math.max(lastAt, to);
  }
  if (lanes.size === 0) return [];
  const columnMs = Math.max(1, lastAt - firstAt) / COLUMNS;
  const names = [...lanes.keys()].sort();
  const width = Math.min(24, widest(names));
  const drawn = names
    .slice(0, LINES)
    .map((name) => `${padded(cliTruncate(name, width), width)} ${bar(lanes.get(name) ?? [], firstAt, columnMs)}`);
  const end = inSeconds((lastAt - firstAt) / 1000);
  return [
    ...drawn,
    ...(names.length > LINES ? [`and ${names.length - LINES} more workers`] : []),
    `${' '.repeat(width)} 0 s${end.padStart(COLUMNS - 3)}`,
  ];
}

function bar(spans: readonly { readonly from: number; readonly to: number }[], firstAt: number, columnMs: number): string {
  const busyMs = new Array<number>(COLUMNS).fill(0);
  for (const { from, to } of spans) {
    const last = Math.min(COLUMNS - 1, Math.floor((to - firstAt) / columnMs));
    for (let column = Math.floor((from - firstAt) / columnMs); column <= last; column += 1) {
      const start = firstAt + column * columnMs;
      busyMs[column] = (busyMs[column] ?? 0) + Math.max(0, Math.min(to, start + columnMs) - Math.max(from, start));
    }
  }
  return busyMs.map((ms) => SHADES[Math.min(SHADES.length - 1, Math.ceil((ms / columnMs) * (SHADES.length - 1) - 0.05))] ?? '').join('');
}
