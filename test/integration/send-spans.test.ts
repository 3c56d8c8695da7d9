// Sending spans by OpenTelemetry: over TLS, in several requests, and to servers that fail.

import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { afterEach, expect, test, vi } from 'vitest';
import { type Sending, type Sent, sendSpans } from '../../coordinator/reporters/traces/send-spans.ts';
import type { Span } from '../../coordinator/reporters/traces/spans.ts';
import { makeCertificates } from '../support/certificates.ts';
import { decodeTrace, startReceiver } from '../support/otlp.ts';

afterEach(() => void vi.unstubAllEnvs());

const spansIn = (count: number): readonly Span[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `span ${index}`,
    parent: index === 0 ? null : 0,
    from: 1000 + index,
    to: 2000.5 + index,
    attributes: { index },
    error: null,
  }));

function sendTo(
  url: string,
  spans: readonly Span[],
  settings: Readonly<Record<string, string>> = {},
  sending: Partial<Sending> = {},
): Promise<Sent> {
  for (const [name, value] of Object.entries({ OTEL_EXPORTER_OTLP_ENDPOINT: url, ...settings })) vi.stubEnv(name, value);
  return sendSpans(spans, { version: '1', parent: {}, limitMs: 10_000, ...sending });
}

test('sends a large trace in several requests', async () => {
  await using receiver = await startReceiver();
  const sent = await sendTo(receiver.url, spansIn(4001));
  expect(sent).toMatchObject({ kind: 'sent', spans: 4001 });
  expect(receiver.received).toHaveLength(3);
  const { spans } = await decodeTrace(receiver);
  expect(spans.map(({ attributes }) => attributes.index)).toEqual(Array.from({ length: 4001 }, (_, index) => index));
  expect(new Set(spans.slice(1).map(({ parent }) => parent))).toEqual(new Set([spans[0]?.id]));
  expect(spans[0]).toMatchObject({ parent: '', from: 1000, to: 2000.5, traceId: sent.kind === 'sent' ? sent.traceId : '' });
});

test('verifies a server by the CA of the environment, and shows it a certificate', async () => {
  await using made = await makeCertificates();
  const [key, cert, ca] = await Promise.all([made.server.key, made.server.cert, made.ca].map((path) => readFile(path)));
  await using receiver = await startReceiver(undefined, { key, cert, ca, requestCert: true, rejectUnauthorized: true });
  const client = { OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: made.client.cert, OTEL_EXPORTER_OTLP_CLIENT_KEY: made.client.key };
  const settings = { ...client, OTEL_EXPORTER_OTLP_CERTIFICATE: made.ca, OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' };
  expect(await sendTo(receiver.url, spansIn(1), settings)).toMatchObject({ kind: 'sent' });
  expect(receiver.received[0]?.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(receiver.received[0]?.body ?? '').toString()).toContain('span 0');

  expect(await sendTo(receiver.url, spansIn(1), { OTEL_EXPORTER_OTLP_CERTIFICATE: made.otherCa })).toMatchObject({ kind: 'failed' });
  expect(receiver.received).toHaveLength(1);
});

test('the first request that fails ends the export', async () => {
  await using receiver = await startReceiver((_request, response) => void response.writeHead(400).end());
  expect(await sendTo(receiver.url, spansIn(4001))).toMatchObject({ kind: 'failed', cause: { code: 400 } });
  expect(receiver.received).toHaveLength(1);
});

test('a server that asks to try again gets the trace a second time', async () => {
  const states = [503, 200];
  await using receiver = await startReceiver((_request, response) => void response.writeHead(states.shift() ?? 500).end());
  expect(await sendTo(receiver.url, spansIn(1))).toMatchObject({ kind: 'sent' });
  expect(receiver.received).toHaveLength(2);
});

test('all requests together are limited in time', async () => {
  await using receiver = await startReceiver(() => undefined);
  // Long enough for the first request on a loaded machine, which is never answered.
  expect(await sendTo(receiver.url, spansIn(4001), {}, { limitMs: 3000 })).toEqual({ kind: 'too-late' });
  expect(receiver.received).toHaveLength(1);
});
