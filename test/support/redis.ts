// Real Redis servers for tests. Each test file has its own.

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { type EmbeddedRedis, startEmbeddedRedis } from '../../coordinator/redis/embedded-server.ts';
import { findServer } from '../../coordinator/redis/find-server.ts';
import { prepareRedisServer, type ServerName } from '../../scripts/redis-servers.ts';
import { eventually } from './eventually.ts';
import { testPython } from './python.ts';

const path = process.env.PATH ?? '';

/** The Valkey that `npm test` installs, unless SHARDLINE_TEST_VALKEY names another. */
const valkey = process.env.SHARDLINE_TEST_VALKEY ?? fileURLToPath(new URL('../../.venv/bin/valkey-server', import.meta.url));

/** The server that a run would find on this machine, and a Valkey. */
export const servers = [
  ['the server found on this machine', null],
  ['Valkey', valkey],
] as const;

export const startServer = (redisBin: string | null = null): Promise<EmbeddedRedis> =>
  startEmbeddedRedis({ redisBin, pythons: [testPython()], path }, new AbortController().signal);

/** The program of a server of this version, installed if it is missing. null if no package provides it here, which CI does not accept. */
export function serverProgram(name: ServerName): string | null {
  const program = prepareRedisServer(name);
  if (program === null && process.env.CI === 'true')
    throw new Error(`no package provides the server ${name}, and its tests must not be skipped here`);
  return program;
}

export interface TcpRedis extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly pid: number | undefined;
  /** SIGKILL. */
  kill(): Promise<void>;
}

/** Starts a server on a loopback port, with further options. */
export const startTcpServer = async (...options: string[]): Promise<TcpRedis> =>
  startProgram(await findServer({ redisBin: null, pythons: [testPython()], path }), ...options);

/** The same with this server program. */
export async function startProgram(program: string, ...options: string[]): Promise<TcpRedis> {
  const port = await freePort();
  const directory = await mkdtemp(join(tmpdir(), 'shardline-test-redis-'));
  const server = execa(program, [...portOptions(port, options), '--bind', '127.0.0.1', '--save', '', '--dir', directory, ...options], {
    reject: false,
    stdin: 'ignore',
    all: true,
  });
  let said = '';
  server.all.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  let isEnded = false;
  void server.then(() => {
    isEnded = true;
  });
  await eventually('the server is ready', () => {
    if (isEnded) throw new Error(`${program} ended: ${said}`);
    return /Ready to accept connections|Sentinel ID is/.test(said);
  });
  const kill = async (): Promise<void> => {
    server.kill('SIGKILL');
    await server;
  };
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    pid: server.pid,
    kill,
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** With a certificate, the port is one for TLS. */
const portOptions = (port: number, options: readonly string[]): string[] =>
  options.includes('--tls-cert-file') ? ['--port', '0', '--tls-port', String(port)] : ['--port', String(port)];

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
