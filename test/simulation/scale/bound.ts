// The least time in which the machines of a run could do its work, whatever the schedule.

import { sum } from '../../../shared/numbers.ts';
import { type Machine, type ScaleTruth, secondsOf } from './scenario.ts';

/**
 * The larger of two bounds, in seconds (Graham 1969): all work spread over all machines for as long as they are there, and the longest test
 * with the collection of its file on the fastest machine. Infinite if the machines leave before the work could be done.
 */
export function boundSeconds({ files, machines, size }: ScaleTruth): number {
  const fastest = machines.reduce((least, { slowness }) => Math.min(least, slowness), Number.POSITIVE_INFINITY);
  const longest = files.reduce(
    (most, { collectSeconds, tests }) => Math.max(most, collectSeconds + tests.reduce((max, each) => Math.max(max, each), 0)),
    0,
  );
  return Math.max(longest * fastest, evenSeconds(sum(files.map(secondsOf)) / size.workers, machines));
}

/** When the machines have done this work, if none of them is ever idle. Their speed changes only when one joins or leaves. */
function evenSeconds(work: number, machines: readonly Machine[]): number {
  const changes = machines
    .flatMap(({ slowness, joinsAt, diesAt }) => [
      { at: joinsAt, speed: 1 / slowness },
      { at: diesAt, speed: -1 / slowness },
    ])
    .filter(({ at }) => Number.isFinite(at))
    .sort((one, other) => one.at - other.at);
  let [now, speed, left] = [0, 0, work];
  for (const change of changes) {
    const done = (change.at - now) * speed;
    if (done >= left) break;
    left -= done;
    now = change.at;
    speed += change.speed;
  }
  return speed > 0 ? now + left / speed : Number.POSITIVE_INFINITY;
}
