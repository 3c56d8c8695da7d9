// Whether and where a run exports its trace, by the environment variables of OpenTelemetry. send-spans.ts lets OpenTelemetry read the others,
// such as those for headers, certificates and attributes of the resource.

import type { Verdict } from '../../../shared/domain/outcome.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export type TraceTarget =
  | { readonly kind: 'none' }
  | { readonly kind: 'unusable'; readonly problem: string; readonly fix: string }
  /** `host` is for messages: the rest of the URL may hold a password or a token. */
  | { readonly kind: 'endpoint'; readonly host: string; readonly variable: string; readonly limitMs: number };

/** The run has ended, and only its exit code waits. */
const LIMIT_MS = 5000;
const MOST_LIMIT_MS = 60_000;

/** The limit after an interruption, and the least limit under a deadline, because the trace of a late run is worth a second. */
const HURRIED_MS = 1000;

/** How long the command waits for the export. `leftMs` is the time until its deadline; null without one. */
export function exportLimitMs({ limitMs }: { readonly limitMs: number }, verdict: Verdict, leftMs: number | null): number {
  const mostMs = verdict === 'interrupted' ? HURRIED_MS : Math.max(HURRIED_MS, leftMs ?? limitMs);
  return Math.min(limitMs, mostMs);
}

export function traceTarget(env: Environment): TraceTarget {
  const endpoint = firstOf(env, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT');
  if (endpoint === null || isOff(env)) return { kind: 'none' };
  const protocol = firstOf(env, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL');
  if (protocol !== null && protocol.value !== 'http/protobuf')
    return {
      kind: 'unusable',
      problem: `${protocol.name} asks for another protocol than http/protobuf`,
      fix: 'Set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf, and OTEL_EXPORTER_OTLP_TRACES_ENDPOINT to a collector that accepts it (usually port 4318).',
    };
  const url = URL.parse(endpoint.value);
  if (url === null || !/^https?:$/.test(url.protocol))
    return {
      kind: 'unusable',
      problem: `${endpoint.name} is not an http or https URL`,
      fix: `Set ${endpoint.name} to the address of a collector, for example http://localhost:4318.`,
    };
  return { kind: 'endpoint', host: `${url.protocol}//${url.host}`, variable: endpoint.name, limitMs: limitMs(env) };
}

function isOff(env: Environment): boolean {
  const exporters = settingOf(env, 'OTEL_TRACES_EXPORTER');
  return (
    settingOf(env, 'OTEL_SDK_DISABLED')?.toLowerCase() === 'true' || (exporters !== null && !exporters.split(/\s*,\s*/).includes('otlp'))
  );
}

function limitMs(env: Environment): number {
  const given = firstOf(env, 'OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT');
  const ms = Number(given?.value ?? Number.NaN);
  return ms > 0 ? Math.min(ms, MOST_LIMIT_MS) : LIMIT_MS;
}

/** The first of these variables that is set. An empty one counts as unset. */
function firstOf(env: Environment, ...names: readonly string[]): { readonly name: string; readonly value: string } | null {
  for (const name of names) {
    const value = settingOf(env, name);
    if (value !== null) return { name, value };
  }
  return null;
}

const settingOf = (env: Environment, name: string): string | null => env[name]?.trim() || null;
