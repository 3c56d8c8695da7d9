// Which environment variables make a run export its trace, and where to.

import { expect, test } from 'vitest';
import { exportLimitMs, traceTarget } from '../../../coordinator/reporters/traces/trace-environment.ts';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://user:secret@otel.example:4318/token?key=secret' };

test('exports to the endpoint of the environment, and shows only its host', () => {
  expect(traceTarget(ENDPOINT)).toEqual({
    kind: 'endpoint',
    host: 'https://otel.example:4318',
    variable: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    limitMs: 5000,
  });
  const both = { ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces' };
  expect(traceTarget(both)).toMatchObject({ host: 'http://traces', variable: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT' });
});

test.each([
  [{}],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }],
  [{ OTEL_SERVICE_NAME: 'x', OTEL_TRACES_EXPORTER: 'otlp' }],
  [{ ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' }],
  [{ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }],
  [{ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'console, zipkin' }],
])('exports nothing with %j', (env) => {
  expect(traceTarget(env)).toEqual({ kind: 'none' });
});

test.each([
  [{ OTEL_EXPORTER_OTLP_TIMEOUT: '300' }, 300],
  [{ OTEL_EXPORTER_OTLP_TIMEOUT: '300', OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '9000' }, 9000],
  [{ OTEL_EXPORTER_OTLP_TIMEOUT: '1e9' }, 60_000],
  [{ OTEL_EXPORTER_OTLP_TIMEOUT: '-1' }, 5000],
  [{ OTEL_EXPORTER_OTLP_TIMEOUT: 'soon' }, 5000],
])('%j limits the export to %i ms', (env, limitMs) => {
  expect(traceTarget({ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'console,otlp', ...env })).toMatchObject({ limitMs });
});

test.each([
  ['passed', null, 5000],
  ['passed', 60_000, 5000],
  ['passed', 3000, 3000],
  ['deadline', -200, 1000],
  ['interrupted', null, 1000],
] as const)('a run that %s with %j ms left waits at most %i ms', (verdict, leftMs, limit) => {
  expect(exportLimitMs({ limitMs: 5000 }, verdict, leftMs)).toBe(limit);
});

test.each([
  [{ ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'OTEL_EXPORTER_OTLP_PROTOCOL asks for another protocol than http/protobuf'],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'secret:4317' }, 'OTEL_EXPORTER_OTLP_ENDPOINT is not an http or https URL'],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'collector' }, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is not an http or https URL'],
])('%j is a warning', (env, problem) => {
  const target = traceTarget(env);
  expect(target).toMatchObject({ kind: 'unusable', problem });
  expect(JSON.stringify(target)).not.toContain('secret');
});
