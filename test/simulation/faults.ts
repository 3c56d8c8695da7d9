// What each fault of a scenario does to the processes, the network and the server.

import { assertNever } from '../../shared/assert-never.ts';
import { endConnections } from '../fakes/redis/connection.ts';
import type { Process } from '../fakes/redis/process.ts';
import { copyOf, noData, type ServerData } from '../fakes/redis/server.ts';
import { startCoordinator } from './coordinator.ts';
import type { Fault } from './scenario.ts';
import { note, type World } from './world.ts';

/** How long a connection may be silent before its owner reconnects, as in shared/redis/connect.ts. */
const SILENCE_MS = 5000;
/** How long the end of a killed process takes to reach the server, behind what it had sent. */
const END_MS = 5;

/** Lets each fault strike at its time. */
export function scheduleFaults(world: World): void {
  const { scenario, time, server } = world;
  const snapshots = new Map<Fault, ServerData>();
  for (const fault of scenario.faults) time.after(fault.at, () => strike(world, fault, snapshots));
  for (const fault of scenario.faults)
    if (fault.kind === 'restart' && typeof fault.keeps === 'number')
      time.after(Math.max(0, fault.at - fault.keeps), () => snapshots.set(fault, copyOf(server.data)));
}

/** The faults that strike only the coordinator of a second run; all others are faults of the first. */
export function scheduleOwnFaults(world: World): void {
  for (const fault of world.scenario.faults)
    if (fault.kind === 'interrupt') world.time.after(fault.at, () => strike(world, fault, new Map()));
}

function those({ newest, second, agents }: World, of: string): readonly Process[] {
  const coordinator = newest === null ? [] : [newest.process];
  if (of === 'coordinator') return coordinator;
  if (of === 'all')
    return [...coordinator, ...(second?.newest ? [second.newest.process] : []), ...[...agents.values()].map(({ process }) => process)];
  return [agents.get(of)?.process ?? []].flat();
}

function strike(world: World, fault: Fault, snapshots: ReadonlyMap<Fault, ServerData>): void {
  const { server, network, time, agents, newest } = world;
  note(world, `fault ${JSON.stringify(fault)}`);
  switch (fault.kind) {
    case 'break':
      for (const process of those(world, fault.of)) endConnections(server, process);
      break;
    case 'cut':
      for (const process of those(world, fault.of)) {
        network.cut(process, time.now() + fault.forMs);
        // A connection that is silent for too long is given up; a shorter cut changes nothing.
        if (fault.forMs >= SILENCE_MS) time.after(SILENCE_MS, () => endConnections(server, process));
      }
      break;
    case 'slow':
      for (const process of those(world, fault.of)) network.slow(process, time.now() + fault.forMs, fault.delayMs);
      break;
    case 'freeze':
      for (const process of those(world, fault.of)) {
        process.freeze();
        time.after(fault.forMs, () => process.thaw());
      }
      break;
    case 'kill':
      for (const process of those(world, fault.of)) {
        process.kill();
        if (!fault.isSilent) time.after(network.delayMs(process) + END_MS, () => endConnections(server, process));
      }
      break;
    case 'leave': {
      const living = agents.get(fault.of);
      living?.process.resume(() => living.leave.abort());
      break;
    }
    case 'drain': {
      const living = agents.get(fault.of);
      living?.process.resume(() => living.drain.abort());
      break;
    }
    case 'interrupt':
      newest?.process.resume(() => newest.leave.abort('SIGINT'));
      break;
    case 'take-over':
      startCoordinator(world);
      break;
    case 'restart':
      server.restart(fault.downMs, fault.keeps === 'nothing' ? noData() : (snapshots.get(fault) ?? null));
      break;
    default:
      assertNever(fault);
  }
}
