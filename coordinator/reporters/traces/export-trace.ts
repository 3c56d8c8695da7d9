// Exports the trace of a finished run, if the environment names an endpoint. It changes neither verdict nor exit code, and ends in time.

import { existsSync } from 'node:fs';
import type { Report } from '../../../shared/domain/report.ts';
import { reasonOf } from '../../../shared/errors.ts';
import type { Edge } from '../../../shared/system/edge.ts';
import type { EventLog } from '../../../shared/system/event-log.ts';
import { shortLine } from '../../../shared/text/safe-text.ts';
import type { RunState } from '../../core/state/run-state.ts';
import type { Sent } from './send-spans.ts';
import { spansOf } from './spans.ts';
import { exportLimitMs, type TraceTarget, traceTarget } from './trace-environment.ts';

export interface TraceExport {
  readonly edge: Pick<Edge, 'env' | 'stderr' | 'version'>;
  readonly log: EventLog;
  /** Time that is left for the command; null without a limit. */
  readonly leftMs: number | null;
}

/** Never rejects. A failed export is one warning. */
export async function exportTrace(state: RunState, report: Report, { edge, log, leftMs }: TraceExport): Promise<void> {
  const target = traceTarget(edge.env);
  if (target.kind === 'none') return;
  const warn = (problem: string, fix: string): void => {
    log.warn({ run: report.runId, problem }, 'trace not exported');
    edge.stderr.write(`shardline: warning: Could not export the trace of the run: ${problem}.\n  Fix: ${fix}\n`);
  };
  if (target.kind === 'unusable') return warn(target.problem, target.fix);
  const { TRACEPARENT: traceparent, TRACESTATE: tracestate } = edge.env;
  const limitMs = exportLimitMs(target, report.verdict, leftMs);
  const sent = await trySending(async () => {
    const { sendSpans } = await loadSender();
    return await sendSpans(spansOf(state, report), { version: edge.version, parent: { traceparent, tracestate }, limitMs });
  });
  if (sent.kind === 'sent') log.info({ run: report.runId, trace: sent.traceId, spans: sent.spans }, 'trace exported');
  else if (sent.kind !== 'not-sampled') warn(problemOf(sent, target, limitMs), fixOf(sent, target));
}

async function trySending(send: () => Promise<Sent>): Promise<Sent> {
  try {
    return await send();
  } catch (cause) {
    return { kind: 'failed', cause };
  }
}

/** The published package has send-spans.ts and what it imports in one file. A clone of the repository has the packages. */
async function loadSender(): Promise<typeof import('./send-spans.ts')> {
  const built = new URL('built/send-spans.js', import.meta.url);
  return existsSync(built) ? await import(built.href) : await import('./send-spans.ts');
}

type Endpoint = Extract<TraceTarget, { kind: 'endpoint' }>;
type Failure = Extract<Sent, { kind: 'failed' | 'too-late' }>;

function problemOf(failure: Failure, { host }: Endpoint, limitMs: number): string {
  if (failure.kind === 'too-late') return `${host} did not answer within ${limitMs / 1000} s`;
  const { cause } = failure;
  const status = statusOf(cause);
  return `${host}: ${status === null ? shortLine(systemReason(cause), 300) : `HTTP status ${status}`}`;
}

/** What OpenTelemetry says when the last try was answered with a status that asks to try again. */
const RETRYABLE = 'Export failed with retryable status';

/** The HTTP status that the endpoint answered with; null without an answer. */
const statusOf = (cause: unknown): number | null =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'number' ? cause.code : null;

/** A host with several addresses gives an error without a message, with one error for each address. */
function systemReason(cause: unknown): string {
  const [first] = cause instanceof AggregateError ? cause.errors : [];
  const reason = reasonOf(first ?? cause);
  return reason === RETRYABLE ? 'it was not ready after several tries (HTTP status 429, 502, 503 or 504)' : reason || 'unknown reason';
}

function fixOf(failure: Failure, { variable }: Endpoint): string {
  const status = failure.kind === 'failed' ? statusOf(failure.cause) : null;
  if (status === 401 || status === 403) return 'Correct the credentials in OTEL_EXPORTER_OTLP_HEADERS.';
  if (failure.kind === 'too-late') return 'Check the collector, or allow more time with OTEL_EXPORTER_OTLP_TIMEOUT (milliseconds).';
  return `Start a collector there, or correct ${variable}.`;
}
