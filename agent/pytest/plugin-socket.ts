// The Unix socket to which one pytest and its xdist workers report. It owns the connections, not the meaning of messages.
// A process has two connections, one for each direction: when a write to a dead process fails, Node closes that connection at once, with
// all that it has not read from it.

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createLineSplitter, decodeMessage, type Listens, type PytestMessage } from './codec.ts';

/** How long a dead process's connection may stay open, held by a process that it forked, before it is closed here. */
const LINGER_MS = 1000;

export interface PluginSocket {
  /** Resolves when every connection has ended, at most `LINGER_MS` later. After that no message arrives. */
  drained(): Promise<void>;
  /** Writes one message to a worker that has sent `hello`. Returns false when it no longer listens. */
  send(worker: string, message: object): boolean;
  close(): Promise<void>;
}

/** Called after the last message of a worker, when its connection has ended. */
export type Gone = (worker: string) => void;

/** null while the agent can take more messages. Otherwise resolves when it can again. */
export type Room = () => Promise<void> | null;

/** `worker` is `main`, `controller` or an xdist worker's name, from `hello`. */
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
  const connections: Connections = { sockets: new Set(), reporting: new Map(), listening: new Map() };
  const { sockets, listening } = connections;
  const server = createServer((socket) => readMessages(socket, connections, { receive, onBroken, room, gone }));
  server.listen(path);
  await once(server, 'listening');

  return {
    async drained() {
      await Promise.all([...sockets].map((socket) => new Promise<void>((resolve) => afterEnd(socket, resolve))));
    },
    send(worker, message) {
      const socket = listening.get(worker);
      if (socket === undefined || socket.destroyed) return false;
      write(socket, message);
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
  /** The latest connection on which each process sends its messages. */
  readonly reporting: Map<string, Socket>;
  /** The latest connection on which each process receives messages. */
  readonly listening: Map<string, Socket>;
}

interface Receivers {
  readonly receive: Receive;
  readonly onBroken: (problem: unknown) => void;
  readonly room: Room;
  readonly gone: Gone;
}

function readMessages(socket: Socket, { sockets, reporting, listening }: Connections, { receive, onBroken, room, gone }: Receivers): void {
  const split = createLineSplitter();
  let worker = 'unknown';
  sockets.add(socket);

  const take = (message: PytestMessage | Listens): void => {
    if (message.kind === 'listens') {
      listening.set(message.worker, socket);
      write(socket, { kind: 'listening' });
      return;
    }
    if (message.kind === 'hello') {
      worker = message.worker;
      reporting.set(worker, socket);
    }
    const lost = message.kind === 'worker-down' ? reporting.get(message.worker) : undefined;
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
    if (reporting.get(worker) !== socket) return;
    reporting.delete(worker);
    // A process that it forked may still hold this connection.
    listening.get(worker)?.destroy();
    listening.delete(worker);
    gone(worker);
  });
}

const write = (socket: Socket, message: object): void => void socket.write(`${JSON.stringify(message)}\n`);

function afterEnd(socket: Socket, act: () => void): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => {
    clearTimeout(timer);
    act();
  });
}
