// Keeps two processes on one machine from writing to one directory. The lock is a listening socket, which the system closes with its
// process, so a killed process leaves no lock behind.

import { createHash } from 'node:crypto';
import { realpathSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { ShardlineError } from '../../errors.ts';

/**
 * Locks an existing directory until it is disposed of, or until this process ends. Throws `out-in-use` when another process holds the lock.
 * It has no effect between processes that cannot see each other, as in two containers, and on a system that refuses such sockets.
 */
export async function holdDirectory(directory: string): Promise<AsyncDisposable> {
  const path = socketOf(realpathSync(directory));
  let server = await listen(path);
  if (server === null && (await answers(path))) {
    throw new ShardlineError('out-in-use', { path: directory, problem: 'its process is still running' });
  }
  if (server === null && !isAbstract(path)) {
    rmSync(path, { force: true });
    server = await listen(path);
  }
  return { [Symbol.asyncDispose]: async () => void server?.close() };
}

/** Whether a process on this machine holds the directory. */
export const isHeld = (directory: string): Promise<boolean> => answers(socketOf(realpathSync(directory)));

/** On Linux an abstract socket, which leaves no file. Elsewhere a file whose path does not depend on TMPDIR. */
function socketOf(directory: string): string {
  const name = `shardline-${createHash('sha256').update(directory).digest('hex').slice(0, 24)}`;
  return process.platform === 'linux' ? `\0${name}` : join('/tmp', name);
}

const isAbstract = (path: string): boolean => path.startsWith('\0');

/** null when the address is not available. The server keeps no process alive. */
function listen(path: string): Promise<Server | null> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve) => {
    server.once('error', () => resolve(null));
    server.listen(path, () => resolve(server.unref()));
  });
}

function answers(path: string): Promise<boolean> {
  const socket = createConnection(path);
  return new Promise((resolve) => {
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
