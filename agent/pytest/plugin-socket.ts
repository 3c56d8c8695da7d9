// The Unix socket to which one pytest and its xdist workers report. It owns the connections, not the meaning of messages.

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createLineSplitter, decodeMessage, type PytestMessage } from './codec.ts';

/** How long a dead process's connection may stay open, held by a process that it forked, before it is closed here. */
const LINGER_MS = 1000;

export interface PluginSocket {
  /** Resolves when every connection has ended, at most `LINGER_MS` later. After that no message arrives. */
  drained(): Promise<void>;
  /** Writes one message to a worker that has sent `hello`. Returns false when its connection is gone. */
  send(worker: string, message: object): boolean;
  close(): Promise<void>;
}

/** Called after the last message of a worker, when its connection has ended. */
export type Gone = (worker: string) => void;

/** null while the agent can take more messages. Otherwise resolves when it can again. */
export type Room = () => Promise<void> | null;

/** `worker` is `main`, `controller` or an xdist worker's name, from the connection's first message. */
export type Receive = (message: PytestMessage, worker: string) => void;

/**
 * Listens at `path`. Passes on a worker's messages in order, and `worker-down` after the last message of that worker. When it closes a
 * connection because of a bad message, `onBroken` receives the `bad-message` error.
 */
export async function openPluginSocket(
  path: string,
  receive: Receive,
  onBroken: (problem: unknown) => void,
  room: Room,
  gone: Gone = () => undefined,
): Promise<PluginSocket> {
  const connections: Connections = { sockets: new Set(), byWorker: new Map() };
  const { sockets, byWorker } = connections;
  const server = createServer((socket) => readMessages(socket, connections, { receive, onBroken, room, gone }));
  server.listen(path);
  await once(server, 'listening');

  return {
    async drained() {
      await Promise.all([...sockets].map((socket) => new Promise<void>((resolve) => afterEnd(socket, resolve))));
    },
    send(worker, message) {
      const socket = byWorker.get(worker);
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

interface Connections {
  readonly sockets: Set<Socket>;
  /** The latest connection of each process that has sent `hello`. */
  readonly byWorker: Map<string, Socket>;
}

interface Receivers {
  readonly receive: Receive;
  readonly onBroken: (problem: unknown) => void;
  readonly room: Room;
  readonly gone: Gone;
}

function readMessages(socket: Socket, { sockets, byWorker }: Connections, { receive, onBroken, room, gone }: Receivers): void {
  const split = createLineSplitter();
  let worker = 'unknown';
  sockets.add(socket);

  const take = (message: PytestMessage): void => {
    if (message.kind === 'hello') {
      worker = message.worker;
      byWorker.set(worker, socket);
    }
    const lost = message.kind === 'worker-down' ? byWorker.get(message.worker) : undefined;
    const from = worker;
    // The last messages of the lost worker may still be in transit.
    if (lost !== undefined) afterEnd(lost, () => receive(message, from));
    else receive(message, from);
  };

  socket.on('data', (chunk) => {
    try {
      for (const line of split(chunk)) take(decodeMessage(line));
      const roomier = room();
      if (roomier === null) return;
      // A process whose messages are not read blocks as soon as its socket buffer is full.
      socket.pause();
      void roomier.then(() => socket.resume());
    } catch (problem) {
      socket.destroy();
      onBroken(problem);
    }
  });
  // A reset ends a connection like any other close: the process is gone.
  socket.on('error', () => undefined);
  socket.once('close', () => {
    sockets.delete(socket);
    if (byWorker.get(worker) !== socket) return;
    byWorker.delete(worker);
    gone(worker);
  });
}

function afterEnd(socket: Socket, act: () => void): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => {
    clearTimeout(timer);
    act();
  });
}
