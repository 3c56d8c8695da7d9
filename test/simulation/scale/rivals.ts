// Two other ways to run the same files on the same machines: parts that are fixed beforehand, and a queue without history. Both are played without any
// cost of their own, and without splitting files.

import { pull } from '../../../coordinator/core/plan/list-schedule.ts';
import { virtualTime } from '../virtual-time.ts';
import { type Machine, type ScaleTruth, secondsOf, type TrueFile } from './scenario.ts';

export interface RivalResult {
  readonly makespanSeconds: number;
  /** Seconds of xdist workers whose results did not count. */
  readonly wastedSeconds: number;
  readonly spentSeconds: number;
}

/**
 * Each agent gets its files beforehand, longest first by the known seconds into the shortest part (Graham 1969). If its machine dies or is taken away, its
 * job starts again from the beginning on a new machine of the same speed, at once.
 */
export function staticParts({ files, machines, size }: ScaleTruth): RivalResult {
  const known = (file: TrueFile): number => secondsOf(file) * file.knownAs;
  const longestFirst = files.toSorted((left, right) => known(right) - known(left));
  const parts = machines.map((): TrueFile[] => []);
  for (const [place, machine] of pull(longestFirst.map(known), machines.length).machines.entries()) {
    const file = longestFirst[place];
    if (file !== undefined) parts[machine]?.push(file);
  }
  let [makespanSeconds, wastedSeconds, spentSeconds] = [0, 0, 0];
  for (const [index, part] of parts.entries()) {
    const machine = machines[index];
    if (machine === undefined) continue;
    const seconds = part.map((file) => secondsOf(file) * machine.slowness);
    const needed = pull(seconds, size.workers).makespanSeconds;
    const isCut = machine.joinsAt + needed > machine.diesAt;
    const lost = isCut ? Math.max(0, machine.diesAt - machine.joinsAt) : 0;
    makespanSeconds = Math.max(makespanSeconds, (isCut ? machine.diesAt : machine.joinsAt) + needed);
    const work = seconds.reduce((sum, each) => sum + each, 0);
    const wasted = needed === 0 ? 0 : (work * lost) / needed;
    wastedSeconds += wasted;
    spentSeconds += work + wasted;
  }
  return { makespanSeconds, wastedSeconds, spentSeconds };
}

/** How long after its machine is gone a file is in the queue again. */
const LOSS_SECONDS = 1.5;

/**
 * One queue of whole files in the order of the suite. An agent with notice takes no more files. The file of an agent that is gone comes first, 1.5 s
 * later.
 */
export async function plainQueue({ files, machines, size }: ScaleTruth): Promise<RivalResult> {
  const time = virtualTime(0);
  const queue = [...files];
  const again: TrueFile[] = [];
  const hungry: Machine[] = [];
  let head = 0;
  let [makespanSeconds, wastedSeconds, spentSeconds] = [0, 0, 0];
  const take = (machine: Machine): void => {
    const now = time.now() / 1000;
    if (now >= machine.noticeAt || now >= machine.diesAt) return;
    const file = again.pop() ?? queue[head++];
    if (file === undefined) {
      hungry.push(machine);
      return;
    }
    const seconds = secondsOf(file) * machine.slowness;
    if (now + seconds > machine.diesAt) {
      wastedSeconds += machine.diesAt - now;
      spentSeconds += machine.diesAt - now;
      time.after((machine.diesAt - now + LOSS_SECONDS) * 1000, () => {
        again.push(file);
        for (const other of hungry.splice(0)) take(other);
      });
      return;
    }
    spentSeconds += seconds;
    time.after(seconds * 1000, () => {
      makespanSeconds = Math.max(makespanSeconds, time.now() / 1000);
      take(machine);
    });
  };
  for (const machine of machines)
    for (let worker = 0; worker < size.workers; worker += 1) time.after(machine.joinsAt * 1000, () => take(machine));
  await time.play(() => false, Number.POSITIVE_INFINITY);
  return { makespanSeconds, wastedSeconds, spentSeconds };
}
