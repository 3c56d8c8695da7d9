// A link to a server that takes time: `node slow-link.ts HOST PORT TARGET_PORT DELAY_MS` forwards HOST:PORT to this machine's TARGET_PORT,
// and holds back all data for DELAY_MS in each direction. The kernel's own delays (netem) are a module that many machines lack.

import { connect, createServer, type Socket } from 'node:net';

const [host = '', port = '', target = '', delayMs = ''] = process.argv.slice(2);

/** The same delay for each chunk keeps their order. */
function join(from: Socket, to: Socket): void {
  from.on('data', (chunk) => setTimeout(() => to.write(chunk), Number(delayMs)));
  from.on('error', () => undefined);
  from.on('close', () => setTimeout(() => to.destroy(), Number(delayMs)));
}

createServer({ noDelay: true }, (client) => {
  const upstream = connect({ port: Number(target), host: '127.0.0.1', noDelay: true });
  join(client, upstream);
  join(upstream, client);
}).listen(Number(port), host);
