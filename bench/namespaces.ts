// Makes hosts from network namespaces on one bridge. Their links can be cut like those of a real network, without any effect on the
// machine's own.

import { execa } from 'execa';

export interface Hosts extends AsyncDisposable {
  /** The address of host `index`. */
  address(index: number): string;
  /** The prefix that runs a command on host `index`. */
  on(index: number): readonly [string, ...string[]];
  cut(index: number): Promise<void>;
  heal(index: number): Promise<void>;
}

const NET = '10.231.9';
const ip = (...args: string[]) => execa('ip', args);

/** Needs root and iproute2. */
export async function makeHosts(count: number): Promise<Hosts> {
  const prefix = `slb${process.pid % 10_000}`;
  const bridge = `${prefix}-sw`;
  const host = (index: number): string => `${prefix}-h${index}`;
  await ip('netns', 'add', bridge);
  await ip('-n', bridge, 'link', 'add', 'br0', 'type', 'bridge');
  await ip('-n', bridge, 'link', 'set', 'br0', 'up');
  for (let index = 0; index < count; index += 1) {
    const own = host(index);
    await ip('netns', 'add', own);
    await ip('link', 'add', `v${index}`, 'netns', bridge, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', own);
    await ip('-n', bridge, 'link', 'set', `v${index}`, 'master', 'br0', 'up');
    await ip('-n', own, 'link', 'set', 'lo', 'up');
    await ip('-n', own, 'addr', 'add', `${NET}.${10 + index}/24`, 'dev', 'eth0');
    await ip('-n', own, 'link', 'set', 'eth0', 'up');
  }
  return {
    address: (index) => `${NET}.${10 + index}`,
    on: (index) => ['ip', 'netns', 'exec', host(index)],
    cut: async (index) => void (await ip('-n', bridge, 'link', 'set', `v${index}`, 'down')),
    heal: async (index) => void (await ip('-n', bridge, 'link', 'set', `v${index}`, 'up')),
    async [Symbol.asyncDispose]() {
      for (const name of [...Array.from({ length: count }, (_, index) => host(index)), bridge]) await ip('netns', 'del', name);
    },
  };
}
