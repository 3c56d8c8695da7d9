// A simulated session: workers take attempts in the order in which they arrive, and the next attempt that needs a pytest replaces one that is over. It
// sends the events of a real agent's engine.

import { type Engine, RunOver, type Session, type SessionRequest } from '../../agent/ports.ts';
import type { AttemptEnding } from '../../shared/domain/attempt.ts';
import type { RunId } from '../../shared/domain/ids.ts';
import { ShardlineError } from '../../shared/errors.ts';
import type { Process } from '../fakes/redis/process.ts';
import { interruptedBy, type Job, paced, startPytest } from './pytest.ts';
import type { SimulatedAgent } from './scenario.ts';
import { listOf, type Truth } from './truth.ts';

/** How many sessions may die while an attempt waits for its turn, as in the real engine. */
const SESSION_LIMIT = 3;

/** The same for all agents: only their workspaces differ. */
const INSTALLED = { python: 'cpython 3.12', platform: 'linux', plugins: {}, packages: {}, packagesDigest: '' };

export const simulatedEngine = (truthOf: (run: RunId) => Truth, agent: SimulatedAgent, process: Process): Engine => ({
  open: (request) => openSession(truthOf(request.spec.runId), agent, process, request),
});

async function openSession(truth: Truth, agent: SimulatedAgent, process: Process, request: SessionRequest): Promise<Session> {
  const { clock } = process;
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined);
  const onEnding = (): void => ended.reject(new RunOver());
  if (request.ending.aborted) onEnding();
  else request.ending.addEventListener('abort', onEnding, { once: true });
  const orOver = <Value>(work: Promise<Value>): Promise<Value> => Promise.race([work, ended.promise]);

  await orOver(clock.wait(paced(agent, agent.startMs)));
  if (agent.kind === 'unable')
    throw new ShardlineError('session-not-started', { agent: agent.name, problem: 'it has no pytest', command: 'pytest' });
  const info = { workers: agent.workers, python: '3.12', pytest: '9.0', xdist: '3.8', installed: INSTALLED };
  request.started(info);
  const { mode } = await orOver(request.collect);
  if (mode === 'suite') {
    const collectMs = truth.scenario.files.reduce((sum, file) => sum + file.collectMs, 0);
    await orOver(clock.wait(paced(agent, collectMs)));
    request.listed(listOf(truth, agent));
  }
  const place = { truth, agent, process, spec: request.spec, mode };
  return {
    slots: agent.workers + 1,
    info,
    peakRssBytes: () => 1024,
    ...startWorkers(agent, process, (onOver) => startPytest(place, onOver)),
  };
}

interface Task extends Job {
  readonly settle: (ending: AttemptEnding) => void;
  /** How many sessions died while it waited. */
  deaths: number;
}

function startWorkers(
  agent: SimulatedAgent,
  { clock }: Process,
  start: (onOver: () => void) => ReturnType<typeof startPytest>,
): Pick<Session, 'run' | 'close' | 'cpuSeconds'> {
  const queue: Task[] = [];
  let isClosed = false;
  let wake = Promise.withResolvers<void>();
  let busySeconds = 0;

  /** Started attempts end with pytest; waiting attempts go to the next pytest. */
  const onOver = (): void => {
    for (const task of queue.splice(0)) {
      task.deaths += 1;
      if (task.deaths >= SESSION_LIMIT) task.settle({ kind: 'lost' });
      else queue.push(task);
    }
  };
  let pytest = start(onOver);

  const worker = async (name: string): Promise<void> => {
    for (;;) {
      const task = queue.shift();
      if (task === undefined) {
        if (isClosed) return;
        await wake.promise;
      } else if (task.interrupt.aborted) task.settle(interruptedBy(task));
      else if (pytest.isOver()) {
        pytest = start(onOver);
        queue.unshift(task);
        await clock.wait(paced(agent, agent.startMs));
      } else {
        const startedAt = clock.now();
        const ending = await pytest.run(task, name);
        busySeconds += (clock.now() - startedAt) / 1000;
        task.settle(ending);
      }
    }
  };
  const workers = Array.from({ length: agent.workers }, (_, index) => worker(`gw${index}`));

  return {
    run(attempt, report, interrupt, recall) {
      const { promise, resolve } = Promise.withResolvers<AttemptEnding>();
      const task: Task = { attempt, report, interrupt, settle: resolve, deaths: 0 };
      if (interrupt.aborted) {
        resolve(interruptedBy(task));
        return promise;
      }
      // A waiting attempt is given up at once.
      const onAbort = (): void => {
        if (!queue.includes(task)) return;
        queue.splice(queue.indexOf(task), 1);
        resolve(interruptedBy(task));
      };
      for (const signal of [interrupt, recall]) signal?.addEventListener('abort', onAbort, { once: true });
      queue.push(task);
      wake.resolve();
      wake = Promise.withResolvers();
      return promise;
    },
    cpuSeconds: () => busySeconds,
    async close() {
      isClosed = true;
      wake.resolve();
      await Promise.all(workers);
    },
  };
}
