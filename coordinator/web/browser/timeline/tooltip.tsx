// The details of one bar of the timeline: in a box beside the bar, and in words for a screen reader.

import { agentName, fileOf, type Model, nodeidOf, statusWord } from '../model.ts';
import { duration, instant, plural } from '../words.ts';
import { type Bar, isSingle } from './bars.ts';
import { endOf } from './lanes.ts';

/** What the bar is, then its status, duration and place. */
export function tooltipLines(model: Model, bar: Bar): string[] {
  const { lane, from, to } = bar;
  const { attempts } = model;
  const [first, last] = [lane.attempts[from] ?? -1, lane.attempts[to - 1] ?? -1];
  const row = attempts.row[first] ?? -1;
  const startedAt = attempts.startedAt[first] ?? 0;
  const where = `${agentName(model, lane.agent)} ${lane.worker}, from ${instant(startedAt, 1)}`;
  if (isSingle(bar)) return [nodeidOf(model, row), `${statusWord(model, row)}, ${duration(attempts.ms[first] ?? 0)}`, where];
  const failures = lane.failures.filter((place) => place >= from && place < to).length;
  const failed = failures === 0 ? '' : `, ${failures} failed`;
  return [fileOf(model, row), `${plural(to - from, 'test')}${failed}, ${duration(endOf(attempts, last) - startedAt)}`, where];
}

interface TooltipProps {
  readonly model: Model;
  readonly pointed: Bar;
  readonly width: number;
  /** The top of the lanes. */
  readonly top: number;
}

export function Tooltip({ model, pointed, width, top }: TooltipProps) {
  const [name, ...lines] = tooltipLines(model, pointed);
  const isRight = pointed.x > width / 2;
  const side = isRight
    ? { right: `calc(var(--pad) + ${width - pointed.x}px)` }
    : { left: `calc(var(--pad) + var(--names) + ${pointed.x}px)` };
  return (
    <div class="tooltip" role="tooltip" style={{ top: `${top + pointed.y + 4}px`, ...side }}>
      <strong>{name}</strong>
      {lines.map((line) => (
        <span key={line}>{line}</span>
      ))}
    </div>
  );
}
