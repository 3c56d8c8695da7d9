// A Redis server for tests that kill it and start it again, with or without its data.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { findServer } from '../../coordinator/redis/find-server.ts';
import { eventually } from './eventually.ts';
import { testPython } from './python.ts';
import { freePort } from './redis.ts';

export interface DurableRedis extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Resolves when the server answers or has been killed again; at once if it already runs. */
  start(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Drops its data. Call it only while the server is killed. */
  forget(): Promise<void>;
}

/** Starts a server on a loopback port, with an append-only file. */
export async function startDurableRedis(): Promise<DurableRedis> {
  const program = await findServer({ redisBin: null, pythons: [testPython()], path: process.env.PATH ?? '' });
  const port = await freePort();
  const root = await mkdtemp(join(tmpdir(), 'shardline-test-redis-'));
  let directory = root;
  const spawn = () => execa(program, options(), { reject: false, stdin: 'ignore', all: true });
  let server: ReturnType<typeof spawn> | null = null;

  const options = (): string[] => [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory],
    ...['--save', '', '--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction'],
  ];
  const redis: DurableRedis = {
    port,
    url: `redis://127.0.0.1:${port}`,
    async start() {
      if (server !== null) return;
      const started = spawn();
      server = started;
      let said = '';
      started.all.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      await eventually('the server is ready', () => server !== started || said.includes('Ready to accept connections'));
    },
    async kill() {
      const killed = server;
      server = null;
      killed?.kill('SIGKILL');
      await killed;
    },
    async forget() {
      directory = await mkdtemp(join(root, 'again-'));
    },
    async [Symbol.asyncDispose]() {
      await redis.kill();
      await rm(root, { recursive: true, force: true });
    },
  };
  await redis.start();
  return redis;
}
