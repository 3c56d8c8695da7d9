// The dashboard's server: one page, and one stream of server-sent events per browser. It is read-only.

import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sum } from '../../shared/numbers.ts';
import { pageFiles } from './bundle-cache.ts';
import { columnsSince, lengthsOf, type Seen } from './live-columns.ts';
import type { LiveMessage, PoolAgents, RunLine } from './live-messages.ts';
import type { LiveRun } from './live-run.ts';
import { composePage, policyOf } from './page-shell.ts';

export interface DashboardSettings {
  readonly host: string;
  /** 0 picks any free port. */
  readonly port: number;
  /** The secret that a browser must send; null lets in everyone who can reach the port. */
  readonly token: string | null;
}

export interface Dashboard extends AsyncDisposable {
  readonly url: string;
}

/** How often a browser receives updates, in milliseconds. */
const UPDATE_MS = 500;
/**
 * A browser that is more than this many bytes behind is disconnected, and so is the one that is furthest behind if all of them together are.
 * It reconnects by itself and starts from the beginning.
 */
const MOST_BYTES_BEHIND = { each: 64 * 2 ** 20, all: 256 * 2 ** 20 } as const;
/** Browsers that receive updates at once, in all and from one address. */
const MOST_READERS = { all: 32, each: 8 } as const;
/** Open connections, also of browsers that only ask for the page. */
const MOST_CONNECTIONS = 256;
const MOST_HEADER_BYTES = 16 * 2 ** 10;
const OTHERWISE = 'This page needs JavaScript.';

export const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/.test(host);

/** What the dashboard shows. */
export interface Content {
  /** The newest first. */
  readonly runs: () => readonly LiveRun[];
  /** null until Redis has answered. */
  readonly pool: () => { readonly pool: PoolAgents; readonly isOld: boolean } | null;
}

/** Serves until it is disposed. Rejects if it cannot listen. */
export async function serveDashboard(settings: DashboardSettings, content: Content): Promise<Dashboard> {
  const files = await pageFiles('dashboard');
  const page = composePage({ title: 'shardline', data: null, otherwise: OTHERWISE }, files);
  const headers = {
    'Cache-Control': 'no-store',
    'Content-Security-Policy': `${policyOf(files, true)}; frame-ancestors 'none'`,
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  };
  const answer = (response: ServerResponse, status: number, type: string, body: string): void => {
    response.writeHead(status, { ...headers, 'Content-Type': `${type}; charset=utf-8` }).end(body);
  };
  const readers = createReaders();
  const server = createServer({ maxHeaderSize: MOST_HEADER_BYTES }, (request, response) => {
    if (!isAddressedTo(request, settings.host))
      return answer(response, 403, 'text/plain', 'Host not allowed. Open the URL that `shardline serve` printed.\n');
    const url = addressOf(request);
    if (url === null) return answer(response, 400, 'text/plain', 'Bad request.\n');
    if (!isAllowed(url.searchParams.get('token'), settings.token))
      return answer(response, 401, 'text/plain', 'Token missing or wrong. Open the URL that `shardline serve` printed.\n');
    if (request.method !== 'GET') return answer(response, 405, 'text/plain', 'Method not allowed: the dashboard is read-only.\n');
    if (url.pathname === '/') return answer(response, 200, 'text/html', page);
    if (url.pathname !== '/events') return answer(response, 404, 'text/plain', 'Not found.\n');
    if (!readers.admit(request, response)) return answer(response, 503, 'text/plain', 'Too many browsers are open.\n');
    response.writeHead(200, { ...headers, 'Content-Type': 'text/event-stream; charset=utf-8' });
    sendUpdates(response, content, url.searchParams.get('run'), () => readers.isTooFarBehind(response));
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.listen(settings.port, settings.host.replace(/^\[|\]$/g, ''));
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const shown = settings.host.includes(':') ? `[${settings.host.replace(/^\[|\]$/g, '')}]` : settings.host;
  return {
    url: `http://${shown}:${port}/${settings.token === null ? '' : `?token=${settings.token}`}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** null for a request whose target is no path. */
function addressOf({ url }: IncomingMessage): URL | null {
  return url?.startsWith('/') ? URL.parse(`http://dashboard${url}`) : null;
}

/** Counts the browsers that receive updates. */
function createReaders() {
  const open = new Map<string, number>();
  const responses = new Set<ServerResponse>();
  const countOf = (address: string): number => open.get(address) ?? 0;
  return {
    /** Counts the browser until its connection closes; false if there are too many. */
    admit({ socket }: IncomingMessage, response: ServerResponse): boolean {
      const address = socket.remoteAddress ?? '';
      const all = [...open.values()].reduce((sum, count) => sum + count, 0);
      if (all >= MOST_READERS.all || countOf(address) >= MOST_READERS.each) return false;
      open.set(address, countOf(address) + 1);
      responses.add(response);
      response.on('close', () => {
        responses.delete(response);
        if (countOf(address) > 1) open.set(address, countOf(address) - 1);
        else open.delete(address);
      });
      return true;
    },
    isTooFarBehind: (response: ServerResponse): boolean =>
      isTooFarBehind(
        response.writableLength,
        [...responses].map(({ writableLength }) => writableLength),
      ),
  };
}

/** Whether a browser that is `own` bytes behind is disconnected; `all` has the bytes of every browser. */
export function isTooFarBehind(own: number, all: readonly number[]): boolean {
  return own > MOST_BYTES_BEHIND.each || (sum(all) > MOST_BYTES_BEHIND.all && own === Math.max(...all));
}

/**
 * On loopback, everyone who can reach the port may look, but a page from another site must not. The check of the Host header stops such a
 * page even if its own host name resolves to this machine.
 */
function isAddressedTo({ headers }: IncomingMessage, host: string): boolean {
  return !isLoopback(host) || isLoopback((headers.host ?? '').replace(/:\d+$/, ''));
}

/** Compares in constant time, so that timing does not reveal the token. */
function isAllowed(given: string | null, token: string | null): boolean {
  if (token === null) return true;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given ?? ''), digest(token));
}

/**
 * Sends one browser updates until it disconnects: the agents of the pool, the list of runs, and what the browser lacks of its chosen run, or of the newest if it
 * chose none.
 */
function sendUpdates(response: ServerResponse, { runs, pool }: Content, chosen: string | null, isTooFar: () => boolean): void {
  let shown: { readonly run: LiveRun; seen: Seen; version: number } | null = null;
  let lines = '';
  let agents = '';
  const send = (message: LiveMessage): void => void response.write(`data: ${JSON.stringify(message)}\n\n`);
  const sendUpdate = (): void => {
    if (isTooFar()) {
      response.destroy();
      return;
    }
    const found = pool();
    const known = JSON.stringify(found);
    if (found !== null && known !== agents) send({ kind: 'pool', ...found });
    agents = known;
    const all = runs();
    const listed: readonly RunLine[] = all.map((run) => run.line());
    const text = JSON.stringify(listed);
    if (text !== lines) send({ kind: 'runs', runs: listed });
    lines = text;
    const run = all.find((each) => each.line().runId === chosen) ?? all[0];
    if (run === undefined) return;
    if (shown?.run !== run) {
      send({ kind: 'begin', head: run.head(Date.now()), columns: run.columns });
    } else if (shown.version !== run.version() || run.line().isOpen) {
      send({ kind: 'more', head: run.head(Date.now()), columns: columnsSince(run.columns, shown.seen) });
    }
    shown = { run, seen: lengthsOf(run.columns), version: run.version() };
  };
  sendUpdate();
  const timer = setInterval(sendUpdate, UPDATE_MS);
  response.on('close', () => clearInterval(timer));
}
