// Valid messages of every kind, written by the encoders, from which the fuzzer starts.

import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { CoordinatorEvent } from '../../coordinator/core/state/events.ts';
import { createRecorder } from '../../coordinator/record/recorder.ts';
import type { RunEvent } from '../../shared/domain/events.ts';
import { type AgentId, agentId, attemptId, nodeId, runId, shardId, testFile } from '../../shared/domain/ids.ts';
import type { Report } from '../../shared/domain/report.ts';
import { encodeAttempt } from '../../shared/wire/attempt.ts';
import { encodeCommand } from '../../shared/wire/control.ts';
import { COORDINATOR } from '../../shared/wire/envelope.ts';
import { encodeEvents } from '../../shared/wire/events.ts';
import { encodeLines, type LogRecord } from '../../shared/wire/run-log.ts';
import { keyIdOf, signerOf } from '../../shared/wire/signature.ts';
import { encodeCertificate } from '../../shared/wire/trust/certificate.ts';
import { syntheticReport } from '../support/synthetic-report.ts';
import {
  a1,
  a2,
  closedDone,
  collected,
  collectFailed,
  crashed,
  ended,
  enqueued,
  finished,
  joined,
  left,
  opened,
  reported,
  reportOf,
  shardOf,
  started as startedBy,
  stateAfter,
} from '../unit/core/run-kit.ts';

export const address = { pool: 'default', run: runId('r1') };
export const ghost = agentId('ghost');
const digest = 'a'.repeat(64);

/** An Ed25519 key from fixed bytes, so that the same seed gives the same inputs. */
const privateKey = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]),
  format: 'der',
  type: 'pkcs8',
});
export const signer = signerOf(privateKey);
export const publicKey = createPublicKey(privateKey);

export const certificate = encodeCertificate(
  {
    key: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    pool: 'default',
    run: '*',
    roles: ['agent'],
    from: 1_000_000,
    until: 2_000_000,
    mostAgents: null,
    issuer: keyIdOf(publicKey),
  },
  privateKey,
);

export const opening = opened([shardOf(1, ['test_a.py', 'dir/test_b.py']), shardOf(2, ['test_c.py'])], {
  digests: { [testFile('test_a.py')]: digest },
  companions: [testFile('test_a.py')],
  loads: [{ file: testFile('test_a.py'), modules: ['helpers'] }],
  knownTests: { 'test_a.py': 2 },
  failureChances: { [shardId(1)]: 0.5 },
  deadline: { seconds: 60, reserveSeconds: 2 },
  affinity: { unit: 'file', together: [[testFile('test_a.py'), testFile('test_c.py')]] },
  cache: { directory: '.pytest_cache', stepwise: { skip: false, reset: false }, pytest: '9.0', files: [testFile('test_a.py')] },
  coverage: {
    source: ['src'],
    config: '.coveragerc',
    branch: true,
    append: false,
    reports: { xml: 'coverage.xml', term: null },
    failUnder: 80,
    precision: 0,
    notOnFail: false,
  },
  origin: { project: 'shop', branch: 'main', command: 'shardline run', job: 'https://ci.example/1' },
  junitXml: 'junit.xml',
});

/** What honest agents report: `a1` runs the first shard, in which a test fails, and `a2` the second. */
export const honest: readonly RunEvent[] = [
  joined(a1),
  joined(a2, 1000, 2, { fingerprint: { files: { place: '/w', git: null, contents: digest }, python: null } }),
  startedBy(a1, 1) as RunEvent,
  startedBy(a2, 2) as RunEvent,
  reported(a1, 1, 1, collected('test_a.py', ['test_a.py::test_x', 'test_a.py::test_y'], 0.5, { digest })),
  reported(a1, 1, 1, { kind: 'test-started', at: 2200, nodeid: nodeId('test_a.py::test_x'), worker: 'gw0' }),
  reported(a1, 1, 1, finished('test_a.py::test_x')),
  reported(a2, 2, 1, collected('test_c.py', ['test_c.py::test_x'])),
  reported(a1, 1, 1, finished('test_a.py::test_y', 'failed', { message: 'assert 0', sections: [{ title: 'Captured stdout', text: 'x' }] })),
  reported(a1, 1, 1, collected('dir/test_b.py', ['dir/test_b.py::test_x'])),
  reported(a2, 2, 1, finished('test_c.py::test_x')),
  reported(a1, 1, 1, finished('dir/test_b.py::test_x')),
  ended(a1, 1) as RunEvent,
  ended(a2, 2) as RunEvent,
  left(a1) as RunEvent,
  left(a2) as RunEvent,
];

/** Events of the kinds that the honest run has not. */
const others = (agent: AgentId): readonly RunEvent[] => [
  { kind: 'session-ended', at: 3000, agent, problem: 'a hook failed', acceptsNoTests: false },
  {
    kind: 'session-shown',
    at: 3000,
    agent,
    shown: {
      header: { lines: ['plugins: x'], asked: { outcomes: 'fE', durations: 3, leastSeconds: 0.005 } },
      sections: [{ title: 'notes', text: 'one' }],
      warnings: [{ nodeid: null, warning: { category: 'UserWarning', message: 'old', file: 'a.py', line: 3, count: 2 } }],
      deselected: [{ file: testFile('test_a.py'), count: 1 }],
    },
  },
  {
    kind: 'suite-listed',
    at: 2000,
    agent,
    list: {
      hash: digest,
      order: 'listed',
      why: null,
      tail: null,
      bound: [],
      others: [],
      failed: [],
      proof: { problems: [], digests: [[testFile('test_a.py'), digest]], loads: [{ file: null, modules: ['m'] }] },
      stepwiseCount: null,
      groups: [{ file: testFile('test_a.py'), nodeids: [nodeId('test_a.py::test_x')] }],
    },
  },
  { kind: 'suite-inseparable', at: 2000, agent, why: 'shared', file: testFile('test_a.py'), companions: [] },
  { kind: 'agent-draining', at: 3000, agent },
  { kind: 'suite-refused', at: 2000, agent, message: 'usage' },
  {
    kind: 'agent-unfit',
    at: 2000,
    agent,
    host: 'h',
    why: 'fingerprint',
    problem: 'other files',
    fingerprint: { files: null, python: null },
  },
  {
    kind: 'coverage-kept',
    at: 4000,
    coverage: {
      agent,
      origin: { workspace: '/w', packages: '/p' },
      parts: [{ part: 1, chunks: 1 }],
      attempts: [attemptId(shardId(1), 1)],
      lost: [],
      problem: null,
    },
  },
  reported(agent, 1, 1, collectFailed('test_a.py')),
  { ...(ended(agent, 1, 1, crashed('test_a.py::test_x')) as RunEvent) },
  { ...(ended(agent, 1, 1, { kind: 'interrupted', by: 'shutdown' }) as RunEvent) },
];

export const batchOf = (events: readonly RunEvent[], sender: AgentId): string =>
  encodeEvents(events, { ...address, sender, seq: 1, epoch: 0 });

/** The same events as if `agent` had sent all of them. */
const inNameOf = (agent: AgentId): readonly RunEvent[] =>
  honest.map((event) => {
    if (event.kind === 'agent-joined') return { ...event, agent: { ...event.agent, id: agent } };
    return event.kind === 'coverage-kept' ? event : { ...event, agent };
  });

export const batches: readonly string[] = [a1, a2, ghost].flatMap((agent) =>
  [...inNameOf(agent), ...others(agent)].map((event) => batchOf([event], agent)),
);
export const signedBatches: readonly string[] = [...inNameOf(a1).slice(2, 9), reported(a1, 1, 1, finished('test_a.py::test_\ufffd'))].map(
  (event) => encodeEvents([event], { ...address, sender: a1, seq: 3, epoch: 0 }, signer),
);

export const attempts: readonly string[] = (
  [
    { kind: 'file', file: testFile('test_a.py') },
    { kind: 'tests', file: testFile('test_a.py'), nodeids: [nodeId('test_a.py::test_x')], mayMiss: true },
    { kind: 'part', file: testFile('test_a.py'), only: null, except: [nodeId('test_a.py::test_x')] },
  ] as const
).map((selector) => {
  const request = { id: attemptId(shardId(1), 1), shard: shardId(1), fence: 1, role: 'primary', predictedSeconds: 1, avoid: [a1] } as const;
  return encodeAttempt({ ...request, selectors: [selector] }, address, 1);
});

export const commands: readonly string[] = (
  [
    { kind: 'collect', how: { mode: 'file', proves: true, companions: [testFile('test_a.py')], loads: [{ file: null, modules: ['m'] }] } },
    { kind: 'list-known', hash: digest },
    { kind: 'introduce-agent', agent: a1 },
    { kind: 'cancel-attempt', attempt: attemptId(shardId(1), 1), by: 'superseded' },
    { kind: 'dismiss-agent', agent: a1, problem: 'why' },
    { kind: 'close-run', by: 'done' },
  ] as const
).map((command) => encodeCommand(command, { ...address, sender: COORDINATOR, seq: 1, epoch: 1 }));

/** A whole run, as its coordinator recorded it. */
function recorded(): readonly LogRecord[] {
  const written: LogRecord[] = [];
  const writer = { address, epoch: 1, seq: 0 };
  const recorder = createRecorder({ append: async (records) => void written.push(...records) }, writer);
  recorder.add(opening);
  for (const shard of [1, 2]) recorder.add(enqueued(shard) as Parameters<typeof recorder.add>[0]);
  for (const [index, event] of honest.entries()) {
    const agent = index % 2 === 0 ? a1 : a2;
    const own = event.kind === 'agent-joined' ? event.agent.id : event.kind === 'coverage-kept' ? agent : event.agent;
    const read = { kind: 'stream-read', at: 3000, position: `${index + 1}-0`, aheadMs: 5 } as const;
    recorder.addEntry({ kind: 'stream-entry', text: batchOf([event], own), events: [event], read });
  }
  const at = 5000;
  const attempt = attemptId(shardId(1), 1);
  const shards = [shardOf(3, ['test_d.py'])];
  for (const event of [
    { kind: 'tick', at },
    { kind: 'attempt-taken', at, attempt, agent: a1 },
    { kind: 'agent-asked', at, agent: a2 },
    { kind: 'agent-lost', at, agent: a2 },
    { kind: 'agent-returned', at, agent: a2 },
    { kind: 'agent-dismissed', at, agent: a2, why: 'failures' },
    { kind: 'message-rejected', at, position: '99-0', agent: ghost, why: 'unreadable', problem: 'not JSON' },
    { kind: 'attempt-lost', at, attempt, agent: a1 },
    { kind: 'attempt-cancelled', at, attempt, by: 'superseded' },
    { kind: 'suite-planned', at, shards, failureChances: { s3: 0.1 } },
    { kind: 'shard-split', at, shard: shardId(2), into: shards },
    { kind: 'shard-given-up', at, shard: shardId(2), why: 'crash-limit' },
    { kind: 'interrupt-requested', at, by: 'SIGINT' },
    { kind: 'redis-emptied', at, isMissing: true },
    { kind: 'redis-lost', at, message: 'gone' },
    { kind: 'no-agent-can-come', at, message: 'none' },
    { kind: 'forecast', at, secondsLeft: 3, lateSeconds: 1, remedy: { agents: 1, workersPerAgent: 2, leaveOut: { files: 0, named: [] } } },
    { kind: 'run-resumed', at },
    {
      kind: 'coverage-combined',
      at,
      coverage: { percent: 81.5, failUnder: 80, isMet: true, missing: [], problems: [], warnings: [] },
    },
    closedDone(at),
  ] as readonly CoordinatorEvent[]) {
    recorder.add(event as Parameters<typeof recorder.add>[0]);
  }
  recorder.flush();
  return written;
}

/** Line by line. */
export const log: readonly string[] = recorded().flatMap((record) => encodeLines(record).trimEnd().split('\n'));

export const report: Report = reportOf(
  stateAfter(opening, enqueued(1), enqueued(2), ...honest, ...others(a1).slice(0, 2), closedDone(8000)),
);
export const reports: readonly Report[] = [
  report,
  syntheticReport({ tests: 8, agents: 2, workers: 2, seed: 1, failuresPerThousand: 300, deadlineSeconds: 5 }),
];
