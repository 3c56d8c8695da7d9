// Two real servers, a primary and its replica, and three Sentinels that replace the primary when it dies.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { connect } from '../../shared/redis/connect.ts';
import { eventually } from './eventually.ts';
import { freePort } from './redis.ts';
import { startTcpProxy } from './tcp-proxy.ts';

const NAME = 'mymaster';

export interface SentinelGroup extends AsyncDisposable {
  readonly url: string;
  /** The server that is the primary at first. */
  readonly primary: string;
  readonly replica: string;
  /** Keeps what is written from now on from the replica. */
  stopReplication(): void;
  /** SIGKILL. */
  killPrimary(): Promise<void>;
}

export async function startSentinelGroup(program: string): Promise<SentinelGroup> {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-test-sentinel-'));
  const start = (...args: string[]) =>
    execa(program, [...args, '--bind', '127.0.0.1', '--dir', directory], {
      reject: false,
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'ignore',
    });
  const [first, second] = [await freePort(), await freePort()];
  const link = await startTcpProxy(first);
  const server = (port: number, ...more: string[]) => start('--port', String(port), '--save', '', '--dbfilename', `${port}.rdb`, ...more);
  const primary = server(first, '--repl-diskless-sync-delay', '0');
  const replica = server(second, '--replicaof', '127.0.0.1', String(link.port), '--repl-diskless-sync-delay', '0');
  const url = (port: number): string => `redis://127.0.0.1:${port}`;
  const signal = new AbortController().signal;
  const admin = await connect(url(second), 'test', { patienceMs: 10_000, signal });
  await eventually('the replica follows', async () => (await admin.info('replication')).includes('master_link_status:up'));
  admin.disconnect();
  const ports = [await freePort(), await freePort(), await freePort()];
  const configs = ports.map((port) => join(directory, `sentinel-${port}.conf`));
  for (const [index, port] of ports.entries()) {
    const lines = [
      `port ${port}`,
      `sentinel monitor ${NAME} 127.0.0.1 ${first} 2`,
      `sentinel down-after-milliseconds ${NAME} 1000`,
      `sentinel failover-timeout ${NAME} 5000`,
    ];
    await writeFile(configs[index] ?? '', `${lines.join('\n')}\n`);
  }
  const sentinels = configs.map((config) => start(config, '--sentinel'));
  for (const port of ports) {
    const sentinel = await connect(url(port), 'test', { patienceMs: 10_000, signal });
    const knows = async (): Promise<boolean> => /slaves=1,sentinels=3/.test(await sentinel.info('sentinel'));
    await eventually('the Sentinel knows the replica and the other Sentinels', knows);
    sentinel.disconnect();
  }
  return {
    url: `redis+sentinel://${ports.map((port) => `127.0.0.1:${port}`).join(',')}/${NAME}`,
    primary: url(first),
    replica: url(second),
    stopReplication: link.silence,
    async killPrimary() {
      primary.kill('SIGKILL');
      await primary;
    },
    async [Symbol.asyncDispose]() {
      const all = [primary, replica, ...sentinels];
      for (const each of all) each.kill('SIGKILL');
      await Promise.all(all);
      await link[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
