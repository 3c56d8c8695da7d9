// Runs a Redis server for one run: no port, nothing on disk, and it stops with the run even if the run is killed.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { Redis } from 'ioredis';
import { ShardlineError } from '../../shared/errors.ts';
import { makeTempDirectory } from '../../shared/system/files/temp-directory.ts';
import { tailOf } from '../../shared/text/tail.ts';
import { findServer, type ServerSearch } from './find-server.ts';

const START_SECONDS = 10;
const STOP_MS = 5000;
const POLL_MS = 10;
/** Characters of the server's output that an error shows. */
const SHOWN_CHARS = 2000;

export interface EmbeddedRedis extends AsyncDisposable {
  readonly url: string;
  readonly program: string;
  readonly pid: number;
}

/**
 * Starts a server on a socket in a directory that only this user can enter. Throws `no-redis-server`, `no-temp-directory`,
 * `redis-start-failed`, or the reason of `signal` if it aborts.
 */
export async function startEmbeddedRedis(search: ServerSearch, signal: AbortSignal): Promise<EmbeddedRedis> {
  const program = await findServer(search);
  signal.throwIfAborted();
  const directory = makeTempDirectory('shardline-redis-');
  const socket = join(directory, 's');
  // Detached: Ctrl-C must reach only the coordinator, which needs the server until it has finished.
  const server = execa(program, serverOptions(socket, directory), {
    detached: true,
    cleanup: false,
    reject: false,
    all: true,
    stdin: 'ignore',
  });
  const failed = (problem: string): ShardlineError =>
    new ShardlineError('redis-start-failed', { program, problem, seconds: START_SECONDS });
  if (server.pid === undefined) {
    const { shortMessage } = await server;
    await rm(directory, { recursive: true, force: true });
    throw failed(shortMessage ?? 'it is not a program');
  }
  const watchdog = startWatchdog(server.pid, directory);
  void server.then(() => watchdog.kill('SIGKILL'));

  const stop = async (): Promise<void> => {
    server.kill('SIGTERM', undefined);
    const kill = setTimeout(() => server.kill('SIGKILL'), STOP_MS);
    await server;
    clearTimeout(kill);
    await watchdog;
    await rm(directory, { recursive: true, force: true });
  };

  try {
    const ended = server.then(({ all, exitCode }) => failed(`it ended with exit code ${exitCode}: ${tailOf(all.trim(), SHOWN_CHARS)}`));
    await answers(socket, ended, failed(`no answer on ${socket}`), signal);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return { url: `unix://${socket}`, program, pid: server.pid, [Symbol.asyncDispose]: stop };
}

const serverOptions = (socket: string, directory: string): string[] => [
  ...['--port', '0', '--unixsocket', socket, '--unixsocketperm', '700', '--dir', directory],
  ...['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'],
  // Jobs are small hashes with fields longer than the default limit; this keeps them in the compact encoding.
  ...['--hash-max-listpack-value', '1024', '--daemonize', 'no', '--logfile', ''],
];

/**
 * Starts a shell that reads a pipe which only this process holds open. The pipe closes when this process ends, even if it is killed; the
 * shell then stops the server and removes its directory.
 */
function startWatchdog(server: number, directory: string) {
  return execa('/bin/sh', ['-c', 'read -r _; kill "$1"; rm -rf "$2"', 'sh', String(server), directory], {
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'ignore',
    detached: true,
    cleanup: false,
    reject: false,
  });
}

/** Resolves when the server answers on its socket. Rejects with the error from `ended`, with `late`, or with the reason of `signal`. */
async function answers(socket: string, ended: Promise<ShardlineError>, late: ShardlineError, signal: AbortSignal): Promise<void> {
  let end: ShardlineError | null = null;
  void ended.then((error) => {
    end = error;
  });
  const redis = new Redis(socket, { lazyConnect: true, maxRetriesPerRequest: null, retryStrategy: () => POLL_MS });
  redis.on('error', () => {
    // The server is not up yet; the client retries.
  });
  let isThere = false;
  void redis
    .ping()
    .then(() => {
      isThere = true;
    })
    .catch(() => undefined);
  try {
    for (const until = performance.now() + START_SECONDS * 1000; !isThere; await delay(POLL_MS)) {
      signal.throwIfAborted();
      if (end !== null) throw end;
      if (performance.now() > until) throw late;
    }
  } finally {
    redis.disconnect();
  }
}
