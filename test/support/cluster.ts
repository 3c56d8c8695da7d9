// A Redis Cluster of real servers on loopback ports.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { readTlsFiles } from '../../shared/redis/tls.ts';
import { type Certificates, serverTlsOptions, tlsFilesOf } from './certificates.ts';
import { eventually } from './eventually.ts';
import { freePort, startProgram, type TcpRedis } from './redis.ts';

const SLOTS = 16_384;
const PRIMARIES = 3;

export interface ClusterServer extends TcpRedis {
  /** The id of the server in its cluster. */
  readonly id: string;
  /** The port of the cluster bus. */
  readonly bus: number;
  /** A connection to this server alone. */
  readonly admin: Redis;
}

export interface RedisCluster extends AsyncDisposable {
  readonly url: string;
  /** The primaries, and then the replica of each, if there are any. */
  readonly servers: readonly ClusterServer[];
}

export interface ClusterOptions {
  readonly hasReplicas?: boolean;
  /** The servers speak only TLS, and require a certificate. */
  readonly certificates?: Certificates;
}

/** Starts three servers that share the slots, and a replica of each if `hasReplicas`. */
export async function startCluster(program: string, { hasReplicas = false, certificates }: ClusterOptions = {}): Promise<RedisCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-test-cluster-'));
  await using opened = new AsyncDisposableStack();
  opened.defer(() => rm(directory, { recursive: true, force: true }));
  const tls = certificates === undefined ? [] : [...serverTlsOptions(certificates), '--tls-cluster', 'yes', '--tls-replication', 'yes'];
  const files = certificates === undefined ? {} : { tls: await readTlsFiles(tlsFilesOf(certificates)) };
  const scheme = certificates === undefined ? 'redis' : 'rediss';
  const servers: ClusterServer[] = [];
  for (let index = 0; index < (hasReplicas ? 2 : 1) * PRIMARIES; index += 1) {
    const { server, bus } = await startServer(program, [...tls, '--cluster-config-file', join(directory, `nodes-${index}.conf`)]);
    opened.use(server);
    const admin = new Redis({ host: '127.0.0.1', port: server.port, ...files });
    admin.on('error', () => {
      // A test has killed the server.
    });
    opened.defer(() => admin.disconnect());
    servers.push({ ...server, bus, admin, id: String(await admin.call('CLUSTER', 'MYID')) });
  }
  await form(servers);
  const all = opened.move();
  return {
    url: `${scheme}+cluster://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    servers,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function startServer(program: string, options: readonly string[]): Promise<{ readonly server: TcpRedis; readonly bus: number }> {
  // The default port of the bus is 10,000 above the server's, which does not exist for a fifth of all free ports.
  const bus = await freePort();
  const cluster = ['--cluster-enabled', 'yes', '--cluster-port', String(bus), '--cluster-node-timeout', '1000'];
  return { server: await startProgram(program, ...cluster, '--repl-diskless-sync-delay', '0', ...options), bus };
}

async function form(servers: readonly ClusterServer[]): Promise<void> {
  const primaries = servers.slice(0, PRIMARIES);
  for (const [index, { admin }] of servers.entries()) {
    const firstSlot = (of: number): number => Math.floor((SLOTS * of) / PRIMARIES);
    if (index < PRIMARIES) await admin.call('CLUSTER', 'ADDSLOTSRANGE', firstSlot(index), firstSlot(index + 1) - 1);
    for (const { port, bus } of servers) await admin.call('CLUSTER', 'MEET', '127.0.0.1', port, bus);
  }
  const info = async ({ admin }: ClusterServer): Promise<string> => String(await admin.call('CLUSTER', 'INFO'));
  for (const server of servers) {
    const isWhole = async (): Promise<boolean> => {
      const text = await info(server);
      return /cluster_state:ok\s/.test(text) && text.includes(`cluster_known_nodes:${servers.length}\r`);
    };
    await eventually('the cluster is whole', isWhole);
  }
  for (const [index, { admin }] of servers.slice(PRIMARIES).entries()) {
    await admin.call('CLUSTER', 'REPLICATE', primaries[index]?.id ?? '');
    await eventually('the replica follows', async () => (await admin.info('replication')).includes('master_link_status:up'));
  }
}

/** The server that has this key now. */
export async function serverOf({ servers }: RedisCluster, key: string): Promise<ClusterServer> {
  for (const server of servers) {
    const slot = Number(await server.admin.call('CLUSTER', 'KEYSLOT', key));
    const nodes = String(await server.admin.call('CLUSTER', 'NODES'));
    const [own = ''] = nodes.split('\n').filter((line) => /\bmyself,master\b/.test(line));
    const ranges = own
      .split(' ')
      .slice(8)
      .map((each) => each.split('-').map(Number));
    if (ranges.some(([from = Number.NaN, to = from]) => from <= slot && slot <= to)) return server;
  }
  throw new Error(`no server has ${key}`);
}

/** Moves the slot of `key`, with all of its keys, from one server to another, in steps of one key. */
export async function moveSlot({ servers }: RedisCluster, key: string, from: ClusterServer, to: ClusterServer): Promise<number> {
  const slot = Number(await from.admin.call('CLUSTER', 'KEYSLOT', key));
  await to.admin.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
  await from.admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
  let moved = 0;
  for (;;) {
    const keys = (await from.admin.call('CLUSTER', 'GETKEYSINSLOT', slot, 1)) as string[];
    if (keys.length === 0) break;
    await from.admin.call('MIGRATE', '127.0.0.1', to.port, '', 0, 5000, 'KEYS', ...keys);
    moved += keys.length;
  }
  for (const { admin } of [to, from, ...servers.filter((each) => each !== to && each !== from)])
    await admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
  return moved;
}
