// Makes small suites in temporary directories, and runs them in an agent's session or with plain pytest. `await using` removes them.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { XMLParser } from 'fast-xml-parser';
import type { Engine } from '../../agent/ports.ts';
import { streamEngine } from '../../agent/pytest/stream-engine.ts';
import { type ClaimNumbers, claimAlone } from '../../agent/worker-numbers.ts';
import type { AttemptEnding, AttemptRole } from '../../shared/domain/attempt.ts';
import type { AttemptEvent, SessionEnding, TestResult } from '../../shared/domain/events.ts';
import { agentId, attemptId, nodeId, runId, shardId, testFile } from '../../shared/domain/ids.ts';
import type { Relay, RunSpec } from '../../shared/domain/run-spec.ts';
import type { Selector } from '../../shared/domain/shard.ts';
import type { CollectMode, Inseparable, Load, SuiteList } from '../../shared/domain/suite/suite-list.ts';
import { testPython } from '../support/python.ts';

export interface Suite extends AsyncDisposable {
  readonly path: string;
}

/** Makes a project with these files (path → text), and with an empty pytest.ini by default. */
export async function makeSuite(files: Readonly<Record<string, string>>): Promise<Suite> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'suite-')));
  for (const [name, text] of Object.entries({ 'pytest.ini': '[pytest]\n', ...files })) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return { path, [Symbol.asyncDispose]: async () => await rm(path, { recursive: true, force: true }) };
}

/** `tests/test_a.py` for the whole file, `tests/test_a.py::test_b` for one test of it. */
export function selectors(...texts: readonly string[]): readonly Selector[] {
  return texts.map((text): Selector => {
    const file = testFile(text.split('::')[0] ?? text);
    return text.includes('::') ? { kind: 'tests', file, nodeids: [nodeId(text)] } : { kind: 'file', file };
  });
}

export interface Ran {
  readonly ending: AttemptEnding;
  readonly events: readonly AttemptEvent[];
  readonly results: readonly TestResult[];
  /** node id → outcome */
  readonly outcomes: Readonly<Record<string, string>>;
  readonly workers: number;
  readonly peakRssBytes: number;
  readonly cpuSeconds: number;
}

export interface RunOptions {
  readonly engine?: Engine;
  readonly collect?: CollectMode;
  readonly proves?: boolean;
  readonly companions?: readonly string[];
  /** What the whole list loads. */
  readonly loads?: readonly Load[];
  readonly pytestArgs?: readonly string[];
  readonly numprocesses?: string;
  readonly maxAutoWorkers?: number;
  readonly relay?: Relay;
  readonly stopsItself?: boolean;
  readonly testTimeoutSeconds?: number | null;
  readonly maxWorkerBytes?: number;
  readonly maxWorkerFiles?: number;
  readonly python?: string;
  /** Variables that override the inherited environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether the queue has more for this session. */
  readonly isMoreWaiting?: () => Promise<boolean>;
  /** As in a run with other agents. */
  readonly claimNumbers?: ClaimNumbers;
  /** Interrupts the attempt at the first event for which this returns true. */
  readonly interruptWhen?: (event: AttemptEvent) => boolean;
}

/** An open session, in which attempts may run one after the other or side by side. */
export interface OpenSuite extends AsyncDisposable {
  /** The lists of a session that collects the whole suite. */
  readonly listed: readonly SuiteList[];
  readonly refusals: readonly string[];
  readonly inseparable: readonly Inseparable[];
  /** Known once the session is closed. */
  readonly endings: readonly SessionEnding[];
  /** Interrupts the attempt, as a deadline does, when `interruptWhen` returns true for an event, or when `signal` aborts. */
  run(
    wanted: readonly Selector[],
    interruptWhen?: (event: AttemptEvent) => boolean,
    role?: AttemptRole,
    signal?: AbortSignal,
  ): Promise<Ran>;
}

/** Opens a session of the engine in this suite. */
export async function openSuite(suite: Suite, options: RunOptions = {}): Promise<OpenSuite> {
  const {
    pytestArgs = [],
    numprocesses = '2',
    maxAutoWorkers = 2,
    engine = streamEngine(() => undefined),
    collect = 'file',
    relay = 'auto',
    stopsItself = true,
    testTimeoutSeconds = null,
    maxWorkerBytes = 0,
    maxWorkerFiles = 0,
    python = testPython(),
    companions = [],
    loads = [],
    isMoreWaiting = async () => false,
  } = options;
  const spec: RunSpec = {
    runId: runId('r1'),
    pool: 'default',
    collect,
    pytestArgs,
    cache: null,
    harmless: [],
    serialMarker: 'serial',
    stopsItself,
    testTimeoutSeconds,
    relay,
    fingerprintPolicy: 'off',
    files: null,
    maxWorkerBytes,
    maxWorkerFiles,
    maxfail: 0,
    openedAt: 0,
    priority: 0,
    drain: null,
  };
  const listed: SuiteList[] = [];
  const refusals: string[] = [];
  const inseparable: Inseparable[] = [];
  const endings: SessionEnding[] = [];
  const session = await engine.open({
    agent: agentId('a1'),
    labels: [],
    ending: new AbortController().signal,
    collect: Promise.resolve({ mode: collect, proves: options.proves ?? false, companions: companions.map(testFile), loads }),
    started: () => undefined,
    listed: (list) => listed.push(list),
    inseparable: (found) => inseparable.push(found),
    refused: (message) => refusals.push(message),
    ended: (ending) => endings.push(ending),
    room: () => null,
    isMoreWaiting,
    claimNumbers: options.claimNumbers ?? claimAlone(),
    keepCoverage: null,
    spec,
    workspace: suite.path,
    python,
    environment: options.environment ?? {},
    numprocesses,
    maxAutoWorkers,
  });
  let attempts = 0;
  return {
    listed,
    refusals,
    inseparable,
    endings,
    async run(wanted, interruptWhen, role = 'primary', signal) {
      attempts += 1;
      const events: AttemptEvent[] = [];
      const aborter = new AbortController();
      const shard = shardId(attempts);
      const request = {
        id: attemptId(shard, 1),
        shard,
        fence: 1,
        role,
        selectors: wanted,
        predictedSeconds: 1,
        avoid: [],
      } as const;
      const report = (event: AttemptEvent): void => {
        events.push(event);
        if (interruptWhen?.(event) === true) aborter.abort('deadline');
      };
      const ending = await session.run(request, report, signal ?? aborter.signal);
      const results = events.flatMap((event) => (event.kind === 'test-finished' ? [event.result] : []));
      const outcomes = Object.fromEntries(results.map((result) => [result.nodeid, result.outcome]));
      return {
        ending,
        events,
        results,
        outcomes,
        workers: session.info.workers,
        peakRssBytes: session.peakRssBytes(),
        cpuSeconds: session.cpuSeconds(),
      };
    },
    [Symbol.asyncDispose]: () => session.close(),
  };
}

/** Opens a session, runs one attempt with these selectors in it, and closes it. */
export async function runAttempt(suite: Suite, wanted: readonly Selector[], options: RunOptions = {}): Promise<Ran> {
  await using open = await openSuite(suite, options);
  return await open.run(wanted, options.interruptWhen);
}

/** The outcome of each test in plain sequential pytest, from its JUnit file, with the keys and words of `inJunitTerms`. */
export async function plainPytest(suite: Suite, args: readonly string[] = []): Promise<Readonly<Record<string, string>>> {
  const junit = join(suite.path, 'plain.xml');
  const all = ['-m', 'pytest', '-p', 'no:cacheprovider', '-q', `--junitxml=${junit}`, '--continue-on-collection-errors', ...args];
  await promisify(execFile)(testPython(), all, { cwd: suite.path }).catch((failed: { code?: unknown }) => {
    if (typeof failed.code !== 'number') throw failed;
  });
  const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '', isArray: (name) => name === 'testcase' });
  const document = parser.parse(await readFile(junit, 'utf8')) as { testsuites: { testsuite: { testcase?: readonly JunitCase[] } } };
  const cases = document.testsuites.testsuite.testcase ?? [];
  return Object.fromEntries(cases.filter((one) => one.classname !== '').map((one) => [`${one.classname}.${one.name}`, junitOutcome(one)]));
}

interface JunitCase {
  readonly classname: string;
  readonly name: string;
  readonly failure?: unknown;
  readonly error?: unknown;
  readonly skipped?: { readonly type: string };
}

function junitOutcome(one: JunitCase): string {
  if (one.error !== undefined) return 'error';
  if (one.failure !== undefined) return 'failed';
  if (one.skipped === undefined) return 'passed';
  return one.skipped.type === 'pytest.xfail' ? 'xfailed' : 'skipped';
}

/** Our outcomes in the terms of JUnit, which has no xpassed. */
export function inJunitTerms(outcomes: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(outcomes).map(([id, outcome]) => {
      const [file = '', ...names] = id.split('::');
      return [[file.replace(/\.py$/, '').replaceAll('/', '.'), ...names].join('.'), outcome === 'xpassed' ? 'passed' : outcome];
    }),
  );
}
