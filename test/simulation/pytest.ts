// One simulated pytest process: runs the files of an attempt as the scenario defines them, and sends the events of a real one. It is over when a test
// kills it, or when it reaches its limit of failures. session.ts decides which attempt runs when.

import { type AttemptEnding, type AttemptRequest, interruptCauses, runsAlone } from '../../shared/domain/attempt.ts';
import type { AttemptEvent } from '../../shared/domain/events.ts';
import { nodeId, type TestFile } from '../../shared/domain/ids.ts';
import { covers, isNone } from '../../shared/domain/needs.ts';
import { isFailure } from '../../shared/domain/outcome.ts';
import type { RunSpec } from '../../shared/domain/run-spec.ts';
import type { Selector } from '../../shared/domain/shard.ts';
import type { CollectMode } from '../../shared/domain/suite/suite-list.ts';
import type { Process } from '../fakes/redis/process.ts';
import type { SimulatedAgent, SimulatedTest } from './scenario.ts';
import { occupy, outcomeOf, selected, type Truth, use } from './truth.ts';

/** How long a worker may continue after it is asked to stop, as in the real engine. */
const KILL_MS = 3000;

/** Where a pytest runs, and what it runs. */
export interface Place {
  readonly truth: Truth;
  readonly agent: SimulatedAgent;
  readonly process: Process;
  readonly spec: RunSpec;
  readonly mode: CollectMode;
}

/** An attempt that a worker has started. */
export interface Job {
  readonly attempt: AttemptRequest;
  readonly report: (event: AttemptEvent) => void;
  readonly interrupt: AbortSignal;
}

export interface Pytest {
  isOver(): boolean;
  /** Runs the job in the xdist worker of this name. */
  run(job: Job, worker: string): Promise<AttemptEnding>;
}

export const paced = ({ slowness }: SimulatedAgent, ms: number): number => Math.max(1, Math.round(ms * slowness));

export const interruptedBy = ({ interrupt }: Pick<Job, 'interrupt'>): AttemptEnding => ({
  kind: 'interrupted',
  by: interruptCauses.find((cause) => cause === interrupt.reason) ?? 'cancelled',
});

/** Calls `onOver` when pytest is over, before any attempt learns of it. */
export function startPytest({ truth, agent, process, spec, mode }: Place, onOver: () => void): Pytest {
  const { clock } = process;
  const died = Promise.withResolvers<void>();
  let endingOf: ((job: Job, running: SimulatedTest | null) => AttemptEnding) | null = null;
  let failures = 0;

  const end = (ending: NonNullable<typeof endingOf>): void => {
    if (endingOf !== null) return;
    endingOf = ending;
    died.resolve();
    onOver();
  };

  /** Waits; null when the time passed, else how the attempt ends: pytest died, or the attempt was interrupted and its grace time is over. */
  const pass = async (ms: number, job: Job, running: SimulatedTest | null): Promise<AttemptEnding | null> => {
    const { interrupt } = job;
    const over = new AbortController();
    const stopped = Promise.withResolvers<AttemptEnding>();
    const onAbort = (): void => {
      const graceMs = interrupt.reason === 'deadline' && spec.drain !== null ? spec.drain.interruptMs : KILL_MS;
      void clock.wait(graceMs, over.signal).then(
        () => stopped.resolve(interruptedBy(job)),
        () => undefined,
      );
    };
    if (interrupt.aborted) onAbort();
    else interrupt.addEventListener('abort', onAbort, { once: true });
    const passed = clock.wait(paced(agent, ms), over.signal).then(
      () => null,
      () => null,
    );
    const dead = died.promise.then((): AttemptEnding => endingOf?.(job, running) ?? { kind: 'lost' });
    try {
      return await Promise.race([passed, dead, stopped.promise]);
    } finally {
      interrupt.removeEventListener('abort', onAbort);
      over.abort();
    }
  };

  /** Null when the attempt continues after this test. */
  const runTest = async (test: SimulatedTest, file: TestFile, job: Job, worker: string): Promise<AttemptEnding | null> => {
    const { attempt, report } = job;
    report({ kind: 'test-started', at: clock.now(), nodeid: nodeId(test.id), worker });
    const startedAt = clock.now();
    const limitMs = (spec.testTimeoutSeconds ?? 0) * 1000;
    const isLate = test.manner === 'hangs' || (limitMs > 0 && paced(agent, test.ms) > limitMs);
    const [release, rest] = [use(truth, { process, test }), occupy(truth, process, agent)];
    const ending = await pass(isLate ? limitMs / agent.slowness : test.ms, job, test).finally(() => {
      release();
      rest();
    });
    if (ending !== null) return ending;
    const isFirst = !truth.spent.has(test.id);
    if (test.manner === 'kills-session' || (test.manner === 'kills-session-once' && isFirst)) {
      truth.spent.add(test.id);
      end((other, running) => crashed(other, running));
      return crashed(job, test);
    }
    const isCrash = isLate || test.manner === 'kills-worker';
    const outcome = isCrash ? 'error' : outcomeOf(test, attempt, agent);
    const seconds = (clock.now() - startedAt) / 1000;
    const message = isFailure(outcome) ? 'it failed' : null;
    const about = { nodeid: nodeId(test.id), file, line: 1, startedAt, seconds, setupSeconds: 0, worker };
    truth.results += 1;
    report({ kind: 'test-finished', at: clock.now(), result: { ...about, outcome, isCrash, message, brief: null, sections: [] } });
    // A new worker replaces one that died.
    const replaced = isCrash ? await pass(agent.startMs, job, null) : null;
    if (replaced !== null) return replaced;
    if (isFailure(outcome)) failures += 1;
    if (!spec.stopsItself || spec.maxfail === 0 || failures < spec.maxfail) return null;
    end(() => ({ kind: 'interrupted', by: 'maxfail' }));
    return { kind: 'interrupted', by: 'maxfail' };
  };

  /** Null when the attempt continues after this file. */
  const runFile = async (file: TestFile, selectors: readonly Selector[], job: Job, worker: string): Promise<AttemptEnding | null> => {
    const known = truth.files.get(file);
    const collectMs = mode === 'suite' ? 1 : (known?.collectMs ?? 1);
    const ending = await pass(collectMs, job, null);
    if (ending !== null) return ending;
    if (known === undefined || known.isBroken || agent.kind === 'lacking') {
      const message = known?.isBroken ? 'SyntaxError' : 'ImportError: it lacks a package';
      job.report({ kind: 'collect-failed', at: clock.now(), file, errors: [{ nodeid: nodeId(file), message }] });
      return null;
    }
    const tests = selected(known, selectors);
    const putOff = runsAlone(job.attempt.role) ? [] : tests.filter(({ isSerial }) => isSerial);
    const grants = { labels: agent.labels ?? [], resources: job.attempt.needs?.resources ?? [] };
    const later = new Set([...putOff, ...tests.filter((test) => test.needs !== undefined && !covers(grants, test.needs))]);
    const [nodeids, serial] = [tests, putOff].map((those) => those.map(({ id }) => nodeId(id)));
    const needs = tests.flatMap(({ id, needs: own }) => (own === undefined || isNone(own) ? [] : [{ nodeid: nodeId(id), needs: own }]));
    const about = {
      file,
      nodeids: nodeids ?? [],
      serial: serial ?? [],
      mayBackUp: known.mayBackUp,
      digest: null,
      ...(needs.length > 0 && { needs }),
    };
    job.report({ kind: 'collected', at: clock.now(), ...about, seconds: collectMs / 1000, worker });
    for (const test of tests) {
      if (later.has(test)) continue;
      if (job.interrupt.aborted) return interruptedBy(job);
      const stop = await runTest(test, file, job, worker);
      if (stop !== null) return stop;
    }
    return null;
  };

  return {
    isOver: () => endingOf !== null,
    async run(job, worker) {
      for (const [file, selectors] of Map.groupBy(job.attempt.selectors, (selector) => selector.file)) {
        if (job.interrupt.aborted) return interruptedBy(job);
        const ending = await runFile(file, selectors, job, worker);
        if (ending !== null) return ending;
      }
      return { kind: 'finished' };
    },
  };
}

const crashed = ({ attempt }: Job, running: SimulatedTest | null): AttemptEnding => ({
  kind: 'crashed',
  exitCode: null,
  signal: 'SIGSEGV',
  running: running === null ? null : nodeId(running.id),
  detail: `pytest was killed by SIGSEGV under ${attempt.id}`,
});
