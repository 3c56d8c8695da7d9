// The processors and memory of this machine or container, within its cgroup limits. It only reads; auto-workers.ts decides.

import { readFile } from 'node:fs/promises';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { posix } from 'node:path';

/**
 * `cpus` may be a fraction (a cgroup quota). `memoryBytes` is the minimum of the machine's memory and every cgroup limit of this process.
 */
export interface MachineFacts {
  readonly cpus: number;
  readonly memoryBytes: number;
}

/**
 * Reads Linux's cgroups v1 and v2 below `root`, which is `/` except in tests. On other systems it uses the system's own numbers. Never
 * rejects.
 */
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

/**
 * The memory that processes can still get, in bytes: the minimum of the machine's and of what every cgroup leaves. Files that the kernel can
 * drop from its cache count as free, which Node's `process.availableMemory` leaves out in a cgroup. Reads below `root` as `readMachine` does.
 */
export async function readFreeMemory(root = '/'): Promise<number> {
  const [, available = null] = /^MemAvailable:\s+(\d+) kB$/m.exec((await read(posix.join(root, 'proc/meminfo'))) ?? '') ?? [];
  const free: number[] = [available === null ? freemem() : Number(available) * 1024];
  for (const directory of await cgroupDirectories(root)) {
    const stat = (await read(`${directory}/memory.stat`)) ?? '';
    const [, droppable = '0'] = /^total_inactive_file (\d+)$/m.exec(stat) ?? /^inactive_file (\d+)$/m.exec(stat) ?? [];
    for (const [limit, usage] of [
      ['memory.max', 'memory.current'],
      ['memory.limit_in_bytes', 'memory.usage_in_bytes'],
    ]) {
      const [most, used] = [Number((await read(`${directory}/${limit}`)) ?? Number.NaN), Number(await read(`${directory}/${usage}`))];
      add(free, Math.max(1, most - used + Number(droppable)));
    }
  }
  return Math.min(...free);
}

/** `max`, `-1` and a missing file set no limit. */
function add(limits: number[], value: number): void {
  if (Number.isFinite(value) && value > 0) limits.push(value);
}

/** Each directory from this process's own cgroup up to the mount, for v2 and for v1's cpu and memory hierarchies. */
async function cgroupDirectories(root: string): Promise<readonly string[]> {
  const mount = posix.join(root, 'sys/fs/cgroup');
  const directories = new Set<string>([mount]);
  for (const line of ((await read(posix.join(root, 'proc/self/cgroup'))) ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const names = controllers.split(',');
    if (controllers !== '' && !names.includes('cpu') && !names.includes('memory')) continue;
    const top = controllers === '' ? mount : posix.join(mount, controllers);
    // Inside a container the path may be the host's. Reading skips directories that do not exist.
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
