import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readFreeMemory, readMachine } from '../../shared/system/machine.ts';

const GB = 1_000_000_000;
const meminfo = { 'proc/meminfo': 'MemTotal:       32000000 kB\nMemFree:         1000000 kB\nMemAvailable:   16000000 kB\n' };

async function rootWith(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-test-machine-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
  return directory;
}

const v2 = {
  ...meminfo,
  'proc/self/cgroup': '0::/pod/agent\n',
  'sys/fs/cgroup/pod/memory.max': `${8 * GB}\n`,
  'sys/fs/cgroup/pod/memory.current': `${7 * GB}\n`,
  'sys/fs/cgroup/pod/memory.stat': `anon 4\nactive_file 5\ninactive_file ${4 * GB}\n`,
  'sys/fs/cgroup/pod/agent/memory.max': 'max\n',
  'sys/fs/cgroup/pod/agent/memory.current': `${6 * GB}\n`,
  'sys/fs/cgroup/pod/agent/cpu.max': '150000 100000\n',
};
const v1 = {
  ...meminfo,
  'proc/self/cgroup': '5:memory:/box\n4:cpu,cpuacct:/box\n3:devices:/other\n',
  'sys/fs/cgroup/memory/box/memory.limit_in_bytes': `${2 * GB}\n`,
  'sys/fs/cgroup/memory/box/memory.usage_in_bytes': `${2 * GB}\n`,
  'sys/fs/cgroup/memory/box/memory.stat': `inactive_file 1\ntotal_inactive_file ${GB / 2}\n`,
  'sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us': '50000\n',
  'sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_period_us': '100000\n',
};

test.each([
  ['cgroups v2', v2, Math.min(1.5, availableParallelism()), Math.min(8 * GB, totalmem()), 5 * GB],
  ['cgroups v1', v1, 0.5, Math.min(2 * GB, totalmem()), GB / 2],
  ['no cgroup', meminfo, availableParallelism(), totalmem(), 16_000_000 * 1024],
])('the processors and memory of a process in %s', async (_, files, cpus, memoryBytes, free) => {
  const root = await rootWith(files);
  expect(await readMachine(root)).toEqual({ cpus, memoryBytes });
  expect(await readFreeMemory(root)).toBe(free);
});

test('a cgroup that used all of its memory leaves next to nothing', async () => {
  const full = { ...v2, 'sys/fs/cgroup/pod/agent/memory.max': `${6 * GB}\n` };
  expect(await readFreeMemory(await rootWith(full))).toBe(1);
});
