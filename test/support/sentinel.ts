// Two real servers, a primary and its replica, and three Sentinels that replace the primary when it dies.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { Redis } from 'ioredis';
import { connect } from '../../shared/redis/connect.ts';
import { readTlsFiles } from '../../shared/redis/tls.ts';
import { type Certificates, serverTlsOptions, tlsFilesOf } from './certificates.ts';
import { eventually } from './eventually.ts';
import { freePort } from './redis.ts';
import { startTcpProxy } from './tcp-proxy.ts';

const NAME = 'mymaster';

export interface SentinelGroup extends AsyncDisposable {
  /** With the passwords, if there are any. */
  readonly url: string;
  /** The server that is the primary at first. */
  readonly primary: string;
  readonly replica: string;
  /** `127.0.0.1:PORT` of each. */
  readonly sentinels: readonly string[];
  /** Keeps what is written from now on from the replica. */
  stopReplication(): void;
  /** Kills the primary with SIGKILL. Returns its process id. */
  killPrimary(): Promise<number | undefined>;
}

export interface SentinelOptions {
  /** The passwords of the default users. */
  readonly passwords?: { readonly server: string; readonly sentinel: string };
  /** Servers and Sentinels speak only TLS, and require a certificate. */
  readonly certificates?: Certificates;
}

export async function startSentinelGroup(program: string, options: SentinelOptions = {}): Promise<SentinelGroup> {
  const { passwords, certificates } = options;
  const directory = await mkdtemp(join(tmpdir(), 'shardline-test-sentinel-'));
  const start = (...args: string[]) =>
    execa(program, [...args, '--bind', '127.0.0.1', '--dir', directory], {
      reject: false,
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'ignore',
    });
  const files = certificates === undefined ? {} : { tls: tlsFilesOf(certificates) };
  const scheme = certificates === undefined ? 'redis' : 'rediss';
  const url = (port: number, password: string | undefined): string =>
    `${scheme}://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}`;
  const [first, second] = [await freePort(), await freePort()];
  const link = await startTcpProxy(first);
  const auth = passwords === undefined ? [] : ['--requirepass', passwords.server, '--masterauth', passwords.server];
  const server = (port: number, ...more: string[]) =>
    start(...portOptions(port, certificates), '--save', '', '--dbfilename', `${port}.rdb`, ...tlsOptions(certificates), ...auth, ...more);
  const primary = server(first, '--repl-diskless-sync-delay', '0');
  const replica = server(second, '--replicaof', '127.0.0.1', String(link.port), '--repl-diskless-sync-delay', '0');
  const patience = { ...files, patienceMs: 10_000, signal: new AbortController().signal };
  const admin = await connect(url(second, passwords?.server), 'test', patience);
  await eventually('the replica follows', async () => (await admin.info('replication')).includes('master_link_status:up'));
  admin.disconnect();
  const ports = [await freePort(), await freePort(), await freePort()];
  const configs = ports.map((port) => join(directory, `sentinel-${port}.conf`));
  for (const [index, port] of ports.entries()) {
    await writeFile(configs[index] ?? '', `${sentinelConfig(port, first, options).join('\n')}\n`);
  }
  const sentinels = configs.map((config) => start(config, '--sentinel'));
  for (const port of ports) {
    const sentinel = new Redis({ host: '127.0.0.1', port, password: passwords?.sentinel, ...(await clientTls(certificates)) });
    sentinel.on('error', () => {
      // It has not started yet.
    });
    const knows = async (): Promise<boolean> => /slaves=1,sentinels=3/.test(await sentinel.info('sentinel'));
    await eventually('the Sentinel knows the replica and the other Sentinels', knows);
    sentinel.disconnect();
  }
  const account =
    passwords === undefined ? ['', ''] : [`:${passwords.server}@`, `?sentinel_password=${encodeURIComponent(passwords.sentinel)}`];
  const addresses = ports.map((port) => `127.0.0.1:${port}`);
  return {
    url: `${scheme}+sentinel://${account[0]}${addresses.join(',')}/${NAME}${account[1]}`,
    primary: url(first, passwords?.server),
    replica: url(second, passwords?.server),
    sentinels: addresses,
    stopReplication: link.silence,
    async killPrimary() {
      primary.kill('SIGKILL');
      await primary;
      return primary.pid;
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

const clientTls = async (certificates: Certificates | undefined) =>
  certificates === undefined ? {} : { tls: await readTlsFiles(tlsFilesOf(certificates)) };

const tlsOptions = (certificates: Certificates | undefined): string[] =>
  certificates === undefined ? [] : [...serverTlsOptions(certificates), '--tls-replication', 'yes'];

const portOptions = (port: number, certificates: Certificates | undefined): string[] =>
  certificates === undefined ? ['--port', String(port)] : ['--port', '0', '--tls-port', String(port)];

function sentinelConfig(port: number, primary: number, { passwords, certificates }: SentinelOptions): readonly string[] {
  // The options of a command line, as lines of a file.
  const options = [...portOptions(port, certificates), ...tlsOptions(certificates)].join(' ').split(/(?:^| )--/);
  return [
    ...options.slice(1),
    `sentinel monitor ${NAME} 127.0.0.1 ${primary} 2`,
    `sentinel down-after-milliseconds ${NAME} 1000`,
    `sentinel failover-timeout ${NAME} 5000`,
    ...(passwords === undefined
      ? []
      : [
          `requirepass ${passwords.sentinel}`,
          `sentinel sentinel-pass ${passwords.sentinel}`,
          `sentinel auth-pass ${NAME} ${passwords.server}`,
        ]),
  ];
}
