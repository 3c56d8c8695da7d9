// Hands spans to OpenTelemetry, which sends them by OTLP over HTTP. The only file that imports OpenTelemetry: it is loaded only if a run
// exports its trace. OpenTelemetry itself reads the environment variables for endpoint, headers, certificates, compression and the resource.

import type { Agent } from 'node:http';
import { type Context, defaultTextMapGetter, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import { ExportResultCode, millisToHrTime, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { convertLegacyHttpOptions } from '@opentelemetry/otlp-exporter-base/node-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Span } from './spans.ts';

export interface Sending {
  readonly version: string;
  /** `TRACEPARENT` and `TRACESTATE`, by which the run is a child of another span. */
  readonly parent: { readonly traceparent?: string | undefined; readonly tracestate?: string | undefined };
  /** All requests together take at most this long. */
  readonly limitMs: number;
}

export type Sent =
  | { readonly kind: 'sent'; readonly traceId: string; readonly spans: number }
  /** The parent span is not sampled, so that its children are not either. */
  | { readonly kind: 'not-sampled' }
  | { readonly kind: 'failed'; readonly cause: unknown }
  | { readonly kind: 'too-late' };

/** Spans in one request: about 1 MB. */
const BATCH_SPANS = 2000;

/** Never rejects, and leaves no connection behind. */
export async function sendSpans(spans: readonly Span[], { version, parent, limitMs }: Sending): Promise<Sent> {
  const until = performance.now() + limitMs;
  let connections: Agent | null = null;
  let timer: NodeJS.Timeout | undefined;
  try {
    const readable = readableSpans(spans, version, parent);
    const [first] = readable;
    if (first === undefined) return { kind: 'not-sampled' };
    const { agentFactory } = convertLegacyHttpOptions({}, 'TRACES', 'v1/traces', {});
    const httpAgentOptions = async (protocol: string): Promise<Agent> => {
      connections ??= await agentFactory(protocol);
      return connections;
    };
    const tooLate = new Promise<'too-late'>((resolve) => {
      timer = setTimeout(() => resolve('too-late'), until - performance.now());
    });
    for (let at = 0; at < readable.length; at += BATCH_SPANS) {
      const timeoutMillis = Math.max(1, Math.ceil(until - performance.now()));
      const exporter = new OTLPTraceExporter({ timeoutMillis, httpAgentOptions });
      const failure = await Promise.race([send(exporter, readable.slice(at, at + BATCH_SPANS)), tooLate]);
      if (failure === null) continue;
      return failure === 'too-late' || performance.now() >= until ? { kind: 'too-late' } : { kind: 'failed', cause: failure };
    }
    return { kind: 'sent', traceId: first.spanContext().traceId, spans: readable.length };
  } catch (thrown) {
    return { kind: 'failed', cause: thrown };
  } finally {
    clearTimeout(timer);
    // A server that answers slowly, byte by byte, would keep the process alive.
    (connections as Agent | null)?.destroy();
  }
}

/** Resolves with why the spans could not be sent; null if they were. */
const send = (exporter: OTLPTraceExporter, spans: ReadableSpan[]): Promise<unknown> =>
  new Promise((resolve) => {
    exporter.export(spans, ({ code, error }) =>
      resolve(code === ExportResultCode.SUCCESS ? null : (error ?? new Error('no reason given'))),
    );
  });

/** Gives each span its ids. Empty if the parent of the run is not sampled. */
function readableSpans(spans: readonly Span[], version: string, parent: Sending['parent']): readonly ReadableSpan[] {
  const ended: ReadableSpan[] = [];
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': 'shardline', 'service.version': version }))
    .merge(detectResources({ detectors: [envDetector] }));
  const collect = { onStart: () => undefined, onEnd: (span: ReadableSpan) => void ended.push(span) };
  const end = async (): Promise<void> => undefined;
  const tracer = new TracerProvider({ resource, spanProcessors: [{ ...collect, forceFlush: end, shutdown: end }] }).getTracer(
    'shardline',
    version,
  );
  const outer = new W3CTraceContextPropagator().extract(ROOT_CONTEXT, parent, defaultTextMapGetter);
  const contexts: Context[] = [];
  for (const { name, parent: place, from, to, attributes, error } of spans) {
    const context = place === null ? outer : (contexts[place] ?? outer);
    const span = tracer.startSpan(name, { startTime: millisToHrTime(from), attributes }, context);
    if (error !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
    span.end(millisToHrTime(to));
    contexts.push(trace.setSpan(context, span));
  }
  return ended;
}
