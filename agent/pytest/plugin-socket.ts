// The Unix socket on which one pytest and its xdist workers tell what happens. Owns the connections, not the meaning of messages.

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createLineSplitter, decodeMessage, type PytestMessage } from './codec.ts';

/** How long a dead process's connection may stay open, held by a process it forked, before its end is taken for granted. */
const LINGER_MS = 1000;

export interface Inbox {
  /** Resolves when every connection has ended, at most `LINGER_MS` later, and nothing more will be heard. */
  drained(): Promise<void>;
  /** Writes one message to a worker that said hello; false when it is not there any more. */
  send(worker: string, message: object): boolean;
  close(): Promise<void>;
}

/** Called when a worker's connection has ended, after the last message from it. */
export type Gone = (worker: string) => void;

/** null while more can be heard; else resolves when it can be again. */
export type Room = () => Promise<void> | null;

/** `worker` is `main`, `controller` or an xdist worker's name, as the connection's first message said. */
export type Hear = (message: PytestMessage, worker: string) => void;

/**
 * Listens at `path`. A worker's messages are heard in order; `worker-down` is heard after the last of that worker's own. `onBroken` gets the
 * `bad-message` error of a connection that was closed for it.
 */
export async function openInbox(
  path: string,
  hear: Hear,
  onBroken: (problem: unknown) => void,
  room: Room,
  gone: Gone = () => undefined,
): Promise<Inbox> {
  const sockets = new Set<Socket>();
  const open = new Map<string, Socket>();

  const server = createServer((socket) => {
    const split = createLineSplitter();
    let worker = 'unknown';
    sockets.add(socket);

    const take = (message: PytestMessage): void => {
      if (message.kind === 'hello') {
        worker = message.worker;
        open.set(worker, socket);
      }
      if (message.kind === 'worker-down') {
        const lost = open.get(message.worker);
        if (lost !== undefined) {
          // Its own last words may still be on their way.
          const from = worker;
          afterEnd(lost, () => hear(message, from));
          return;
        }
      }
      hear(message, worker);
    };

    socket.on('data', (chunk) => {
      try {
        for (const line of split(chunk)) take(decodeMessage(line));
        const roomier = room();
        if (roomier === null) return;
        // A process that is not heard waits as soon as its socket is full.
        socket.pause();
        void roomier.then(() => socket.resume());
      } catch (problem) {
        socket.destroy();
        onBroken(problem);
      }
    });
    // A reset is an end like any other: the process is gone.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      sockets.delete(socket);
      if (open.get(worker) === socket) {
        open.delete(worker);
        gone(worker);
      }
    });
  });
  server.listen(path);
  await once(server, 'listening');

  return {
    async drained() {
      await Promise.all([...sockets].map((socket) => new Promise<void>((resolve) => afterEnd(socket, resolve))));
    },
    send(worker, message) {
      const socket = open.get(worker);
      if (socket === undefined || socket.destroyed) return false;
      socket.write(`${JSON.stringify(message)}\n`);
      return true;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function afterEnd(socket: Socket, act: () => void): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => {
    clearTimeout(timer);
    act();
  });
}
