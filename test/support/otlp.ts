// A receiver of traces by OTLP over HTTP, and a decoder of what it received: OpenTelemetry's own messages in Python.

import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { environmentPython } from './python.ts';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly received: readonly Received[];
}

/** `answer` answers each request once it is complete. `tls` makes it an https server. */
export async function startReceiver(
  answer: RequestListener = (_request, response) => void response.end(),
  tls: ServerOptions | null = null,
): Promise<Receiver> {
  const received: Received[] = [];
  const listener: RequestListener = async (request, response) => {
    received.push({ path: request.url ?? '', headers: request.headers, body: await buffer(request) });
    answer(request, response);
  };
  const server = tls === null ? createServer(listener) : createTlsServer(tls, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `${tls === null ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Value = string | number | boolean;
export interface DecodedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly id: string;
  /** Empty for a span without a parent. */
  readonly parent: string;
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly attributes: Readonly<Record<string, Value>>;
  readonly status: { readonly code?: string; readonly message?: string };
}

export interface DecodedTrace {
  readonly resource: Readonly<Record<string, Value>>;
  readonly spans: readonly DecodedSpan[];
}

interface JsonAttribute {
  readonly key: string;
  readonly value: {
    readonly stringValue?: string;
    readonly intValue?: string;
    readonly doubleValue?: number;
    readonly boolValue?: boolean;
  };
}
interface JsonRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly JsonAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly JsonSpan[] }[];
  }[];
}
interface JsonSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly JsonAttribute[];
  readonly status?: DecodedSpan['status'];
}

/** The spans of all requests, with the resource of the first one. */
export async function decodeTrace({ received }: Receiver): Promise<DecodedTrace> {
  const input = received.map(({ body }) => body.toString('base64')).join('\n');
  const script = fileURLToPath(new URL('decode_otlp.py', import.meta.url));
  const { stdout } = await execa(environmentPython('otlp'), [script], { input });
  const resources = stdout.split('\n').flatMap((line) => (JSON.parse(line) as JsonRequest).resourceSpans);
  return {
    resource: attributesOf(resources[0]?.resource.attributes),
    spans: resources.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map(decoded))),
  };
}

const decoded = (span: JsonSpan): DecodedSpan => ({
  name: span.name,
  traceId: hex(span.traceId),
  id: hex(span.spanId),
  parent: hex(span.parentSpanId ?? ''),
  from: milliseconds(span.startTimeUnixNano),
  to: milliseconds(span.endTimeUnixNano),
  attributes: attributesOf(span.attributes),
  status: span.status ?? {},
});

/** A number holds microseconds since the epoch, but not nanoseconds. */
const milliseconds = (nanoseconds: string): number => Number(BigInt(nanoseconds) / 1000n) / 1000;

const hex = (base64: string): string => Buffer.from(base64, 'base64').toString('hex');

const attributesOf = (attributes: readonly JsonAttribute[] = []): Readonly<Record<string, Value>> =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.boolValue ?? value.doubleValue ?? Number(value.intValue)]),
  );
