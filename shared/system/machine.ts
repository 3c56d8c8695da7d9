// What this machine or container lets us use: processors and memory, with the limits of its cgroups. It reads and decides nothing.

import { readFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { posix } from 'node:path';

/** `cpus` may be a fraction (a cgroup quota). `memoryBytes` is the least of the machine's memory and every cgroup limit above this process. */
export interface MachineFacts {
  readonly cpus: number;
  readonly memoryBytes: number;
}

/** Reads Linux's cgroups v1 and v2 below `root` (`/` but in tests); elsewhere, the system's own numbers. Never rejects. */
export async function readMachine(root = '/'): Promise<MachineFacts> {
  const cpus: number[] = [availableParallelism()];
  const memory: number[] = [totalmem()];
  for (const directory of await cgroupDirectories(root)) {
    const [quota, period] = ((await read(`${directory}/cpu.max`)) ?? '').split(/\s+/);
    add(cpus, Number(quota) / Number(period));
    add(cpus, Number(await read(`${directory}/cpu.cfs_quota_us`)) / Number(await read(`${directory}/cpu.cfs_period_us`)));
    add(memory, Number((await read(`${directory}/memory.max`)) ?? Number.NaN));
    add(memory, Number((await read(`${directory}/memory.limit_in_bytes`)) ?? Number.NaN));
  }
  return { cpus: Math.min(...cpus), memoryBytes: Math.min(...memory) };
}

/** `max`, `-1` and what is not there are no limits. */
function add(limits: number[], value: number): void {
  if (Number.isFinite(value) && value > 0) limits.push(value);
}

/** Each directory from this process's own cgroup up to the mount, of v2 and of v1's cpu and memory hierarchies. */
async function cgroupDirectories(root: string): Promise<readonly string[]> {
  const mount = posix.join(root, 'sys/fs/cgroup');
  const directories = new Set<string>([mount]);
  for (const line of ((await read(posix.join(root, 'proc/self/cgroup'))) ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const names = controllers.split(',');
    if (controllers !== '' && !names.includes('cpu') && !names.includes('memory')) continue;
    const top = controllers === '' ? mount : posix.join(mount, controllers);
    // Inside a container the path may be the host's: what does not exist is skipped on reading.
    for (let at = posix.normalize(path); ; at = posix.dirname(at)) {
      directories.add(posix.join(top, at).replace(/\/$/, ''));
      if (at === '/') break;
    }
  }
  return [...directories];
}

async function read(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch {
    return null;
  }
}
