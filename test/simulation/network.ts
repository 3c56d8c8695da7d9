// The network of a simulation: the seed and the process give the delay of each message; faults slow the network down or cut it.

import type { Network } from '../fakes/redis/connection.ts';
import type { Process } from '../fakes/redis/process.ts';
import { randomOf } from './random.ts';
import type { Scenario } from './scenario.ts';

export interface SimulatedNetwork extends Network {
  cut(process: Process, until: number): void;
  slow(process: Process, until: number, delayMs: number): void;
}

/** Delays are multiples of a quarter of a millisecond, which floating point adds up exactly. */
export function simulatedNetwork({ seed }: Scenario, now: () => number): SimulatedNetwork {
  const lanes = new Map<Process, { readonly random: ReturnType<typeof randomOf>; cutUntil: number; slowUntil: number; slowMs: number }>();
  const laneOf = (process: Process) => {
    const known = lanes.get(process) ?? { random: randomOf(seed, `network of ${process.name}`), cutUntil: 0, slowUntil: 0, slowMs: 0 };
    lanes.set(process, known);
    return known;
  };
  return {
    delayMs(process) {
      const { random, cutUntil, slowUntil, slowMs } = laneOf(process);
      const usual = random.int(1, random.chance(0.02) ? 400 : 8) / 4;
      return Math.max(0, cutUntil - now()) + usual + (now() < slowUntil ? random.int(0, slowMs) : 0);
    },
    connectMs(process) {
      const { random, cutUntil } = laneOf(process);
      return Math.max(0, cutUntil - now()) + random.int(4, 400) / 4;
    },
    cut(process, until) {
      const lane = laneOf(process);
      lane.cutUntil = Math.max(lane.cutUntil, until);
    },
    slow(process, until, delayMs) {
      Object.assign(laneOf(process), { slowUntil: until, slowMs: delayMs });
    },
  };
}
