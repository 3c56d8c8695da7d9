// The trace of a run, as an OTLP receiver gets it and OpenTelemetry's own decoder reads it.

import type { RequestListener } from 'node:http';
import { expect, test } from 'vitest';
import { type DecodedSpan, decodeTrace, startReceiver } from '../support/otlp.ts';
import { newProject, type Project, sources } from '../support/shardline.ts';

/** Writes the address of each module that Node.js loads to a file. */
const LOADED = `import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
registerHooks({ load(url, context, next) { appendFileSync(process.env.LOADED, url + '\\n'); return next(url, context); } });
`;

const NOTING = { NODE_OPTIONS: '--import ./loaded.mjs', LOADED: 'loaded.txt' };

/** The modules of OpenTelemetry that a command with NOTING loaded. */
async function loadedIn(project: Project): Promise<readonly string[]> {
  const urls = (await project.read('loaded.txt')).split('\n');
  expect(urls).toContainEqual(expect.stringMatching(/coordinator\/commands\/run\.ts$/));
  return urls.filter((url) => url.includes('@opentelemetry'));
}

const suite = {
  'loaded.mjs': LOADED,
  'tests/test_a.py': [
    'import pytest, time',
    'def test_passes(): time.sleep(0.2)',
    'def test_fails(): raise ValueError("wrong \\x1b[31mcolour")',
    '@pytest.mark.skip',
    'def test_skipped(): pass',
  ].join('\n'),
  'tests/test_b.py': 'def test_b(): pass\n',
};
const run = ['run', 'tests', '--out', 'out', '-n', '2', '--collect', 'file'];
const PARENT = { trace: '0af7651916cd43dd8448eb211c80319c', span: 'b7ad6b7169203331' };

test('exports run, shards and tests as one trace below the span of the environment', async () => {
  await using project = await newProject(suite, sources);
  await using receiver = await startReceiver();
  const { exitCode, all } = await project.shardline(run, {
    ...NOTING,
    OTEL_EXPORTER_OTLP_ENDPOINT: `${receiver.url}/base`,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20s3cret,x-team=tests',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=ci,service.version=9',
    TRACEPARENT: `00-${PARENT.trace}-${PARENT.span}-01`,
  });
  expect(exitCode).toBe(1);
  expect(all).not.toMatch(/s3cret|warning/);
  expect(receiver.received.map(({ path, headers }) => [path, headers['content-type'], headers.authorization, headers['x-team']])).toEqual([
    ['/base/v1/traces', 'application/x-protobuf', 'Bearer s3cret', 'tests'],
  ]);

  expect((await loadedIn(project)).length).toBeGreaterThan(0);
  const { resource, spans } = await decodeTrace(receiver);
  const report = await project.report();
  expect(resource).toMatchObject({ 'service.name': 'shardline', 'service.version': '9', 'deployment.environment.name': 'ci' });
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([PARENT.trace]));
  const byId = new Map(spans.map((span) => [span.id, span]));
  const root = spanNamed(spans, 'shardline run');
  expect(root.parent).toBe(PARENT.span);
  expect(root).toMatchObject({ from: Date.parse(report.startedAt), status: { code: 'STATUS_CODE_ERROR' } });
  expect(root.attributes).toMatchObject({
    'cicd.pipeline.run.id': report.runId,
    'cicd.pipeline.result': 'failure',
    'error.type': 'failed',
    'shardline.exit_code': 1,
    'shardline.tests.passed': 2,
    'shardline.tests.failed': 1,
    'shardline.spans.left_out': 0,
  });
  for (const { nodeid, file, attempts } of report.tests) {
    const span = spanNamed(spans, nodeid);
    const shard = byId.get(span.parent);
    expect(shard?.name).toMatch(/^shard s\d+$/);
    expect(shard?.parent).toBe(root.id);
    expect(span.attributes).toMatchObject({ 'test.case.name': nodeid, 'test.suite.name': file, 'shardline.agent.id': attempts[0]?.agent });
    expect(span.from).toBeCloseTo(Date.parse(attempts[0]?.startedAt ?? ''), -1);
    expect(span.to - span.from).toBeCloseTo((attempts[0]?.seconds ?? 0) * 1000, 0);
  }
  for (const { parent, from, to } of spans) {
    expect(from).toBeLessThanOrEqual(to);
    const outer = byId.get(parent);
    if (outer !== undefined) expect([outer.from <= from, to <= outer.to]).toEqual([true, true]);
  }
  expect(spanNamed(spans, 'tests/test_a.py::test_passes')).toMatchObject({ status: {}, attributes: { 'test.case.result.status': 'pass' } });
  expect(spanNamed(spans, 'tests/test_a.py::test_skipped').attributes).toMatchObject({ 'shardline.test.outcome': 'skipped' });
  const failed = spanNamed(spans, 'tests/test_a.py::test_fails');
  expect(failed.attributes).toMatchObject({ 'test.case.result.status': 'fail', 'error.type': 'ValueError', 'code.line.number': 3 });
  expect(failed.status).toEqual({ code: 'STATUS_CODE_ERROR', message: 'ValueError: wrong colour' });
  expect(byId.get(failed.parent)?.status.code).toBe('STATUS_CODE_ERROR');
  expect(spanNamed(spans, 'tests/test_b.py::test_b').attributes['host.name']).toBe(report.agents[0]?.host);
  expect(byId.get(spanNamed(spans, 'collect tests/test_a.py').parent)?.name).toMatch(/^shard s\d+$/);
});

function spanNamed(spans: readonly DecodedSpan[], name: string): DecodedSpan {
  const found = spans.filter((span) => span.name === name);
  expect(found, `spans named ${name}`).toHaveLength(1);
  return found[0] as DecodedSpan;
}

/** Does not sample the parent, so that its children are not sampled either. */
const NOT_SAMPLED = `00-${PARENT.trace}-${PARENT.span}-00`;

test('exports nothing below a span that is not sampled', async () => {
  await using project = await newProject(passing);
  await using receiver = await startReceiver();
  const { exitCode, all } = await project.shardline(['run', '-n', '1'], {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    TRACEPARENT: NOT_SAMPLED,
  });
  expect(exitCode, all).toBe(0);
  expect(receiver.received).toEqual([]);
  expect(all).not.toContain('warning');
});

test('loads nothing of OpenTelemetry without an endpoint', async () => {
  await using project = await newProject({ ...passing, 'loaded.mjs': LOADED }, sources);
  expect((await project.shardline(['run', '-n', '1'], NOTING)).exitCode).toBe(0);
  expect(await loadedIn(project)).toEqual([]);
});

const passing = { 'test_a.py': 'def test_a(): pass\n' };
const warnings = (text: string): readonly string[] => text.split('\n').filter((line) => line.startsWith('shardline: warning:'));

test('an endpoint that refuses costs one warning, not the verdict', async () => {
  await using project = await newProject(passing);
  // No other test listens there.
  const port = 1;
  const { exitCode, stderr } = await project.shardline(['run', '-n', '1', '--log-file', 'log.txt'], {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://user:s3cret@localhost:${port}/v1/traces?key=s3cret`,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=s3cret',
  });
  expect(exitCode).toBe(0);
  expect(warnings(stderr)).toEqual([
    `shardline: warning: Could not export the trace of the run: http://localhost:${port}: connection refused.`,
  ]);
  expect(stderr).toContain('  Fix: Start a collector there, or correct OTEL_EXPORTER_OTLP_TRACES_ENDPOINT.');
  const log = await project.read('log.txt');
  expect(log).toContain('trace not exported');
  expect(`${stderr}${log}`).not.toContain('s3cret');
});

/** Ends only with its connection. */
const drip: RequestListener = (_request, response) => {
  const timer = setInterval(() => response.write('.'), 100);
  response.on('close', () => clearInterval(timer));
};

test('a rejected export names the status, and no credentials', async () => {
  await using project = await newProject(passing);
  await using receiver = await startReceiver((_request, response) => void response.writeHead(401).end('Bearer s3cret is wrong'));
  const { exitCode, stderr } = await project.shardline(['run', '-n', '1'], {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer s3cret',
  });
  expect(exitCode).toBe(0);
  expect(warnings(stderr)).toEqual([`shardline: warning: Could not export the trace of the run: ${receiver.url}: HTTP status 401.`]);
  expect(stderr).toContain('  Fix: Correct the credentials in OTEL_EXPORTER_OTLP_HEADERS.');
  expect(stderr).not.toContain('s3cret');
});

test.each([
  ['never answers', () => undefined],
  ['answers byte by byte', drip],
])('an endpoint that %s is given up in time', async (_name, answer) => {
  await using project = await newProject(passing);
  await using receiver = await startReceiver(answer);
  const { exitCode, stderr } = await project.shardline(['run', '-n', '1'], {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_TIMEOUT: '700',
  });
  expect(receiver.received).toHaveLength(1);
  expect(exitCode).toBe(0);
  expect(warnings(stderr)).toEqual([
    expect.stringMatching(
      /^shardline: warning: Could not export the trace of the run: http:\/\/127\.0\.0\.1:\d+ did not answer within 0\.7 s\.$/,
    ),
  ]);
});
