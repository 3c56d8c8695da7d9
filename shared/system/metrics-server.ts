// Serves `/metrics` for Prometheus and `/healthz` for a supervisor. It shows numbers and names of pools only, so it asks for no token.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { reasonOf, ShardlineError } from '../errors.ts';
import type { ListenAddress } from '../settings/settings.ts';

export interface MetricsServer extends AsyncDisposable {
  readonly url: string;
}

/** Redis answers a healthy process at least once in this time, in milliseconds. */
const SILENT_MS = 15_000;
const MOST_CONNECTIONS = 64;
const MOST_HEADER_BYTES = 16 * 2 ** 10;
const REQUEST_MS = 10_000;

/**
 * `answeredAt` returns when Redis last answered, by `performance.now()`; null before the first answer. While Redis is silent both paths
 * answer 503: the numbers would be those of the past. A process whose event loop hangs answers nothing. Throws `metrics-cannot-listen`.
 */
export async function serveMetrics(
  { host, port }: ListenAddress,
  registry: Pick<Registry, 'metrics' | 'contentType'>,
  answeredAt: () => number | null,
): Promise<MetricsServer> {
  const server = createServer({ maxHeaderSize: MOST_HEADER_BYTES, requestTimeout: REQUEST_MS }, (request, response) => {
    const send = (status: number, type: string, body: string): void => {
      response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' }).end(body);
    };
    const text = 'text/plain; charset=utf-8';
    const path = request.url?.split('?', 1)[0];
    if (request.method !== 'GET') return send(405, text, 'Method not allowed.\n');
    if (path !== '/metrics' && path !== '/healthz') return send(404, text, 'Not found. This server has /metrics and /healthz.\n');
    const problem = problemOf(answeredAt());
    if (problem !== null) return send(503, text, `${problem}\n`);
    if (path === '/healthz') return send(200, text, 'ok\n');
    registry.metrics().then(
      (metrics) => send(200, registry.contentType, metrics),
      (thrown: unknown) => send(500, text, `${reasonOf(thrown)}\n`),
    );
  });
  server.maxConnections = MOST_CONNECTIONS;
  try {
    server.listen(port, host.replace(/^\[|\]$/g, ''));
    await once(server, 'listening');
  } catch (thrown) {
    throw new ShardlineError('metrics-cannot-listen', { host, port, problem: reasonOf(thrown) }, { cause: thrown });
  }
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}/metrics`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function problemOf(answeredAt: number | null): string | null {
  if (answeredAt === null) return 'Redis has not answered yet.';
  const silentMs = performance.now() - answeredAt;
  return silentMs > SILENT_MS ? `Redis has not answered for ${Math.round(silentMs / 1000)} s.` : null;
}
