// A simulated pytest: runs what the truth of the scenario says, and tells it as the engine of a real agent does. Workers take attempts in the order in
// which they come; a session that dies is replaced by the next attempt that needs one.

import { createHash } from 'node:crypto';
import { type Engine, RunOver, type Session, type SessionRequest } from '../../agent/ports.ts';
import { assertNever } from '../../shared/assert-never.ts';
import { type AttemptEnding, type AttemptRequest, interruptCauses, runsAlone } from '../../shared/domain/attempt.ts';
import type { AttemptEvent } from '../../shared/domain/events.ts';
import { nodeId, type TestFile, testFile } from '../../shared/domain/ids.ts';
import { isFailure, type Outcome } from '../../shared/domain/outcome.ts';
import type { Selector } from '../../shared/domain/shard.ts';
import type { SuiteList } from '../../shared/domain/suite-list.ts';
import { ShardlineError } from '../../shared/errors.ts';
import type { Process } from '../fakes/redis/process.ts';
import type { Scenario, SimulatedAgent, SimulatedFile, SimulatedTest } from './scenario.ts';

/** How many sessions may die while an attempt waits for its turn, and how long a worker that is to stop may go on: as in the real engine. */
const SESSION_LIMIT = 3;
const KILL_MS = 3000;

/** What is true of the suite for all agents, and what they did with it. */
export interface Truth {
  readonly scenario: Scenario;
  readonly files: ReadonlyMap<string, SimulatedFile>;
  /** Tests that killed their session once already. */
  readonly spent: Set<string>;
  /** How many results were reported. */
  results: number;
}

export const truthOf = (scenario: Scenario): Truth => ({
  scenario,
  files: new Map(scenario.files.map((file) => [file.name, file])),
  spent: new Set(),
  results: 0,
});

/** `fingerprint` of the interpreter is empty: only workspaces differ here. */
const INSTALLED = { python: 'cpython 3.12', platform: 'linux', plugins: {}, packages: {}, packagesDigest: '' };

export const simulatedEngine = (truth: Truth, agent: SimulatedAgent, process: Process): Engine => ({
  open: (request) => openSession(truth, agent, process, request),
});

interface Task {
  readonly attempt: AttemptRequest;
  readonly tell: (event: AttemptEvent) => void;
  readonly interrupt: AbortSignal;
  readonly settle: (ending: AttemptEnding) => void;
  isBegun: boolean;
  deaths: number;
}

/** One pytest: dead once a test has killed it, or it stopped at its limit of failures. */
interface Pytest {
  ending: ((task: Task, running: SimulatedTest | null) => AttemptEnding) | null;
  readonly died: PromiseWithResolvers<void>;
  failures: number;
}

async function openSession(truth: Truth, agent: SimulatedAgent, process: Process, request: SessionRequest): Promise<Session> {
  const { clock } = process;
  const { spec } = request;
  const pace = (ms: number): number => Math.max(1, Math.round(ms * agent.slowness));
  const ended = new Promise<never>((_resolve, reject) => {
    const onAbort = (): void => reject(new RunOver());
    if (request.ending.aborted) onAbort();
    else request.ending.addEventListener('abort', onAbort, { once: true });
  });
  ended.catch(() => undefined);
  const orOver = <Value>(work: Promise<Value>): Promise<Value> => Promise.race([work, ended]);

  await orOver(clock.wait(pace(agent.startMs)));
  if (agent.kind === 'unable')
    throw new ShardlineError('session-not-started', { agent: agent.name, problem: 'it has no pytest', command: 'pytest' });
  const info = { workers: agent.workers, python: '3.12', pytest: '9.0', xdist: '3.8', installed: INSTALLED };
  request.started(info);
  const how = await orOver(request.collect);
  if (how.mode === 'suite') {
    await orOver(clock.wait(pace(truth.scenario.files.reduce((sum, { collectMs }) => sum + collectMs, 0))));
    request.listed(listOf(truth, agent));
  }

  const queue: Task[] = [];
  let isClosed = false;
  let wake = Promise.withResolvers<void>();
  let busySeconds = 0;
  const newPytest = (): Pytest => ({ ending: null, died: Promise.withResolvers(), failures: 0 });
  let pytest = newPytest();

  const worker = async (name: string): Promise<void> => {
    for (;;) {
      const task = queue.shift();
      if (task === undefined) {
        if (isClosed) return;
        await wake.promise;
        continue;
      }
      if (task.interrupt.aborted) {
        task.settle(interruptedBy(task));
        continue;
      }
      const own = pytest;
      if (own.ending !== null) {
        // The session is dead: one that replaces it has to start first.
        pytest = newPytest();
        queue.unshift(task);
        await clock.wait(pace(agent.startMs));
        continue;
      }
      task.isBegun = true;
      const startedAt = clock.now();
      const ending = await runTask(task, own, name);
      busySeconds += (clock.now() - startedAt) / 1000;
      task.settle(ending);
    }
  };

  const enqueue = (task: Task): void => {
    queue.push(task);
    wake.resolve();
    wake = Promise.withResolvers();
  };

  /** What is in the session ends as `ending` says; what was not begun goes to the next one. */
  const kill = (own: Pytest, ending: NonNullable<Pytest['ending']>): void => {
    if (own.ending !== null) return;
    own.ending = ending;
    own.died.resolve();
    for (const task of queue.splice(0)) {
      task.deaths += 1;
      if (task.deaths >= SESSION_LIMIT) task.settle({ kind: 'lost' });
      else queue.push(task);
    }
  };

  /** Waits, unless the session dies, or the attempt is stopped and has had its time to stop by itself. */
  const pass = async (ms: number, { interrupt }: Task, own: Pytest): Promise<'passed' | 'died' | 'stopped'> => {
    const over = new AbortController();
    const { promise: stopped, resolve: stop } = Promise.withResolvers<'stopped'>();
    const onAbort = (): void => {
      const graceMs = interrupt.reason === 'deadline' && spec.drain !== null ? spec.drain.interruptMs : KILL_MS;
      void clock.wait(graceMs, over.signal).then(
        () => stop('stopped'),
        () => undefined,
      );
    };
    if (interrupt.aborted) onAbort();
    else interrupt.addEventListener('abort', onAbort, { once: true });
    const passed = clock.wait(pace(ms), over.signal).then(
      () => 'passed' as const,
      () => 'stopped' as const,
    );
    try {
      return await Promise.race([passed, own.died.promise.then(() => 'died' as const), stopped]);
    } finally {
      interrupt.removeEventListener('abort', onAbort);
      over.abort();
    }
  };

  const runTask = async (task: Task, own: Pytest, name: string): Promise<AttemptEnding> => {
    const { attempt, tell } = task;
    const endingOf = (running: SimulatedTest | null): AttemptEnding => own.ending?.(task, running) ?? { kind: 'lost' };
    for (const [file, selectors] of Map.groupBy(attempt.selectors, (selector) => selector.file)) {
      if (task.interrupt.aborted) return interruptedBy(task);
      const known = truth.files.get(file);
      const collectMs = how.mode === 'suite' ? 1 : (known?.collectMs ?? 1);
      const waited = await pass(collectMs, task, own);
      if (waited !== 'passed') return waited === 'died' ? endingOf(null) : interruptedBy(task);
      if (known === undefined || known.isBroken || agent.kind === 'lacking') {
        const message = known?.isBroken ? 'SyntaxError' : 'ImportError: it lacks a package';
        tell({ kind: 'collect-failed', at: clock.now(), file, errors: [{ nodeid: nodeId(file), message }] });
        continue;
      }
      const tests = selected(known, selectors);
      const later = runsAlone(attempt.role) ? [] : tests.filter(({ isSerial }) => isSerial);
      tell({
        kind: 'collected',
        at: clock.now(),
        file: testFile(file),
        nodeids: tests.map(({ id }) => nodeId(id)),
        serial: later.map(({ id }) => nodeId(id)),
        mayBackUp: known.mayBackUp,
        digest: null,
        seconds: collectMs / 1000,
        worker: name,
      });
      for (const test of tests) {
        if (later.includes(test)) continue;
        if (task.interrupt.aborted) return interruptedBy(task);
        tell({ kind: 'test-started', at: clock.now(), nodeid: nodeId(test.id), worker: name });
        const startedAt = clock.now();
        const limitMs = (spec.testTimeoutSeconds ?? 0) * 1000;
        const isLate = test.manner === 'hangs' || (limitMs > 0 && pace(test.ms) > limitMs);
        const ran = await pass(isLate ? limitMs / agent.slowness : test.ms, task, own);
        if (ran !== 'passed') return ran === 'died' ? endingOf(test) : interruptedBy(task);
        const isFirst = !truth.spent.has(test.id);
        if (test.manner === 'kills-session' || (test.manner === 'kills-session-once' && isFirst)) {
          truth.spent.add(test.id);
          kill(own, (other, running) => ({
            kind: 'crashed',
            exitCode: null,
            signal: 'SIGSEGV',
            running: running === null ? null : nodeId(running.id),
            detail: `pytest was killed by SIGSEGV under ${other.attempt.id}`,
          }));
          return endingOf(test);
        }
        const isCrash = isLate || test.manner === 'kills-worker';
        const outcome = isCrash ? 'error' : outcomeOf(test, attempt, agent);
        truth.results += 1;
        tell({
          kind: 'test-finished',
          at: clock.now(),
          result: {
            nodeid: nodeId(test.id),
            file: testFile(file),
            line: 1,
            outcome,
            startedAt,
            seconds: (clock.now() - startedAt) / 1000,
            setupSeconds: 0,
            worker: name,
            isCrash,
            message: isFailure(outcome) ? 'it failed' : null,
            brief: null,
            sections: [],
          },
        });
        // Another worker takes its place.
        if (isCrash && (await pass(agent.startMs, task, own)) !== 'passed')
          return own.ending === null ? interruptedBy(task) : endingOf(null);
        if (isFailure(outcome)) own.failures += 1;
        if (spec.stopsItself && spec.maxfail > 0 && own.failures >= spec.maxfail) {
          kill(own, () => ({ kind: 'interrupted', by: 'maxfail' }));
          return endingOf(null);
        }
      }
    }
    return { kind: 'finished' };
  };

  const workers = Array.from({ length: agent.workers }, (_, index) => worker(`gw${index}`));
  return {
    slots: agent.workers + 1,
    info,
    run(attempt, tell, interrupt) {
      const { promise, resolve } = Promise.withResolvers<AttemptEnding>();
      const task: Task = { attempt, tell, interrupt, settle: resolve, isBegun: false, deaths: 0 };
      // One that waits is given up at once.
      interrupt.addEventListener(
        'abort',
        () => {
          if (!queue.includes(task)) return;
          queue.splice(queue.indexOf(task), 1);
          resolve(interruptedBy(task));
        },
        { once: true },
      );
      if (interrupt.aborted) resolve(interruptedBy(task));
      else enqueue(task);
      return promise;
    },
    peakRssBytes: () => 1024,
    cpuSeconds: () => busySeconds,
    async close() {
      isClosed = true;
      wake.resolve();
      await Promise.all(workers);
    },
  };
}

const interruptedBy = ({ interrupt }: Task): AttemptEnding => ({
  kind: 'interrupted',
  by: interruptCauses.find((cause) => cause === interrupt.reason) ?? 'cancelled',
});

/** What a test comes to on this agent. */
export function outcomeOf(test: SimulatedTest, { role }: Pick<AttemptRequest, 'role'>, { kind }: Pick<SimulatedAgent, 'kind'>): Outcome {
  if (kind === 'broken') return 'failed';
  if (test.manner === 'heals') return role === 'rerun' ? 'passed' : 'failed';
  return test.manner === 'steady' ? test.outcome : 'passed';
}

const selected = (file: SimulatedFile, selectors: readonly Selector[]): readonly SimulatedTest[] =>
  file.tests.filter(({ id }) => selectors.some((selector) => isSelected(selector, id)));

function isSelected(selector: Selector, id: string): boolean {
  switch (selector.kind) {
    case 'file':
      return true;
    case 'tests':
      return selector.nodeids.some((nodeid) => nodeid === id);
    case 'part':
      return selector.only === null ? !selector.except.some((nodeid) => nodeid === id) : selector.only.some((nodeid) => nodeid === id);
    default:
      return assertNever(selector);
  }
}

/** As every worker of this agent collects it. */
function listOf({ scenario }: Truth, { kind }: SimulatedAgent): SuiteList {
  const isLacking = kind === 'lacking';
  const groups = isLacking
    ? []
    : scenario.files
        .filter(({ isBroken, tests }) => !isBroken && tests.length > 0)
        .map(({ name, tests }) => ({ file: testFile(name), nodeids: tests.map(({ id }) => nodeId(id)) }));
  const failed: TestFile[] = scenario.files.filter(({ isBroken }) => isBroken || isLacking).map(({ name }) => testFile(name));
  const hash = createHash('sha256')
    .update(JSON.stringify([groups, failed]))
    .digest('hex');
  return { hash, order: 'free', why: null, tail: null, bound: [], others: failed, failed, groups, proof: null };
}
