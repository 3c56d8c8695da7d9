// A Redis server of a run's own: no port, nothing on disk, gone with the run however the run ends.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { Redis } from 'ioredis';
import { ShardlineError } from '../../shared/errors.ts';
import { makeTempDirectory } from '../../shared/system/temp-directory.ts';
import { tailOf } from '../../shared/text/tail.ts';
import { findServer, type ServerSearch } from './find-server.ts';

const START_SECONDS = 10;
const STOP_MS = 5000;
const POLL_MS = 10;
/** How much of the server's own words an error shows. */
const SHOWN_CHARS = 2000;

export interface EmbeddedRedis extends AsyncDisposable {
  readonly url: string;
  readonly program: string;
  readonly pid: number;
}

/**
 * Starts a server on a socket in a directory that only this user can enter. Throws `no-redis-server`, `no-temp-directory` and
 * `redis-start-failed`, and the signal's reason when it aborts.
 */
export async function startEmbeddedRedis(search: ServerSearch, signal: AbortSignal): Promise<EmbeddedRedis> {
  const program = await findServer(search);
  signal.throwIfAborted();
  const directory = makeTempDirectory('shardline-redis-');
  const socket = join(directory, 's');
  // Detached: an interrupt typed at the terminal is the coordinator's to handle, which still needs the server.
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
  // Jobs are small hashes with fields above the default: this keeps them in their compact form.
  ...['--hash-max-listpack-value', '1024', '--daemonize', 'no', '--logfile', ''],
];

/** Reads from a pipe that only this process holds open; when it ends, however, the server ends too. */
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

/** Resolves when the server answers on its socket; rejects with what `ended` resolves to, with `late`, or with the signal's reason. */
async function answers(socket: string, ended: Promise<ShardlineError>, late: ShardlineError, signal: AbortSignal): Promise<void> {
  let end: ShardlineError | null = null;
  void ended.then((error) => {
    end = error;
  });
  const redis = new Redis(socket, { lazyConnect: true, maxRetriesPerRequest: null, retryStrategy: () => POLL_MS });
  redis.on('error', () => {
    // Not there yet: it is tried again.
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
