// A way to a server that can be cut, as a network is: with a reset, or without a word.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Ends every connection; new ones work. */
  reset(): void;
  /** From now on nothing passes in either direction, and nobody is told. */
  silence(): void;
  /** Everything passes again, also what was held back. */
  heal(): void;
}

/** From a port of loopback to `port`. */
export async function startTcpProxy(port: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let isSilent = false;
  const join = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.on('data', (chunk) => {
      if (!to.write(chunk)) from.pause();
    });
    to.on('drain', () => {
      if (!isSilent) from.resume();
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
    if (isSilent) from.pause();
  };
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    join(client, upstream);
    join(upstream, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const reset = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    reset,
    silence() {
      isSilent = true;
      for (const socket of sockets) socket.pause();
    },
    heal() {
      isSilent = false;
      for (const socket of sockets) socket.resume();
    },
    async [Symbol.asyncDispose]() {
      server.close();
      reset();
      await once(server, 'close');
    },
  };
}
