// The agents of a run at scale, as data: each takes attempts from the queue, runs their tests in virtual time, and reports them as a real agent does.
// There is no protocol and no process. Everything that an agent may do to a run is an event or the end of its events.

import type { AttemptRequest, InterruptCause } from '../../../shared/domain/attempt.ts';
import type { ControlCommand } from '../../../shared/domain/control.ts';
import type { AttemptEvent, RunEvent } from '../../../shared/domain/events.ts';
import { type AgentId, type AttemptId, agentId, type NodeId, type TestFile } from '../../../shared/domain/ids.ts';
import type { VirtualTime } from '../virtual-time.ts';
import { indexOf, type Machine, type ScaleTruth, type TrueFile, testOf } from './scenario.ts';

/** Every agent asks for its next attempt this long after it took one. So all agents have one before any has two. */
const FETCH_MS = 1;
/** An agent takes one attempt more than it has xdist workers. */
const WAITING_ATTEMPTS = 1;

export interface Fleet {
  /** Lets the agents join, leave and die at their times. */
  begin(): void;
  enqueue(request: AttemptRequest): void;
  command(command: ControlCommand): void;
  /** All agents leave. */
  leave(): void;
  /** What the xdist workers have spent, in seconds, by the attempt for which they did. */
  readonly spent: ReadonlyMap<AttemptId, number>;
}

/** What the fleet does to the run. */
export interface FleetListener {
  report(agent: AgentId, event: RunEvent): void;
  /** The agent is gone without a word. */
  died(agent: AgentId): void;
}

/** What a worker does next: collects a file, or runs one test. */
interface Step {
  /** On this machine. */
  readonly seconds: number;
  /** The event that ends it. */
  readonly report: (at: number) => AttemptEvent;
  readonly starts: NodeId | null;
}

interface Job {
  readonly request: AttemptRequest;
  readonly agent: Agent;
  readonly takenAt: number;
  steps: readonly Step[];
  worker: string;
  /** When its present step began; null before the first. */
  since: number | null;
  stop: () => void;
}

interface Agent {
  readonly id: AgentId;
  readonly machine: Machine;
  readonly freeWorkers: string[];
  readonly waiting: Job[];
  readonly running: Set<Job>;
  phase: 'away' | 'here' | 'draining' | 'gone';
  isFetching: boolean;
}

export function createFleet(truth: ScaleTruth, time: VirtualTime, listener: FleetListener): Fleet {
  const { size } = truth;
  const files = new Map(truth.files.map((file) => [file.name, file]));
  const spent = new Map<AttemptId, number>();
  const jobs = new Map<AttemptId, Job>();
  const cancelled = new Set<AttemptId>();
  const agents = truth.machines.map(
    (machine, index): Agent => ({
      id: agentId(`a${index + 1}`),
      machine,
      freeWorkers: Array.from({ length: size.workers }, (_, worker) => `gw${size.workers - 1 - worker}`),
      waiting: [],
      running: new Set(),
      phase: 'away',
      isFetching: false,
    }),
  );
  const queue: AttemptRequest[] = [];
  let head = 0;
  const urgent: AttemptRequest[] = [];
  /** Agents that found the queue empty. */
  let hungry: Agent[] = [];

  const hasRoom = ({ phase, waiting, running }: Agent): boolean =>
    phase === 'here' && waiting.length + running.size < size.workers + WAITING_ATTEMPTS;

  /** The next attempt for this agent. It leaves those that it should avoid to others. */
  const next = (agent: Agent): AttemptRequest | null => {
    const avoided: AttemptRequest[] = [];
    let found: AttemptRequest | null = null;
    while (found === null) {
      const request = urgent.shift() ?? queue[head++];
      if (request === undefined) break;
      if (cancelled.has(request.id)) continue;
      if (request.avoid.includes(agent.id)) avoided.push(request);
      else found = request;
    }
    head = Math.min(head, queue.length);
    urgent.unshift(...avoided);
    return found;
  };
  const fetchSoon = (agent: Agent): void => {
    if (agent.isFetching || !hasRoom(agent)) return;
    agent.isFetching = true;
    time.after(FETCH_MS, () => {
      agent.isFetching = false;
      if (hasRoom(agent)) take(agent);
    });
  };
  const take = (agent: Agent): void => {
    const request = next(agent);
    if (request === null) {
      hungry.push(agent);
      return;
    }
    const job: Job = { request, agent, takenAt: time.now(), steps: [], worker: '', since: null, stop: () => undefined };
    jobs.set(request.id, job);
    const { id: attempt, shard, fence, role } = request;
    listener.report(agent.id, { kind: 'attempt-started', at: time.now(), agent: agent.id, attempt, shard, fence, role });
    agent.waiting.push(job);
    beginNext(agent);
    fetchSoon(agent);
  };
  const beginNext = (agent: Agent): void => {
    const job = agent.freeWorkers.length > 0 ? agent.waiting.shift() : undefined;
    const worker = job === undefined ? undefined : agent.freeWorkers.pop();
    if (job === undefined || worker === undefined) return;
    job.worker = worker;
    job.steps = stepsOf(job.request, files, { worker, slowness: agent.machine.slowness });
    agent.running.add(job);
    advance(job, 0);
  };
  const reportOf = ({ request, agent }: Job, event: AttemptEvent): void =>
    listener.report(agent.id, { kind: 'attempt-reported', agent: agent.id, attempt: request.id, shard: request.shard, event });

  /** Takes the step at this place. */
  const advance = (job: Job, place: number): void => {
    const step = job.steps[place];
    if (step === undefined) {
      end(job, null);
      return;
    }
    job.since = time.now();
    if (step.starts !== null) reportOf(job, { kind: 'test-started', at: time.now(), nodeid: step.starts, worker: job.worker });
    job.stop = time.after(step.seconds * 1000, () => {
      spend(job);
      reportOf(job, step.report(time.now()));
      advance(job, place + 1);
    });
  };
  const spend = (job: Job): void => {
    const seconds = job.since === null ? 0 : (time.now() - job.since) / 1000;
    job.since = null;
    spent.set(job.request.id, (spent.get(job.request.id) ?? 0) + seconds);
  };
  /** Takes the job from its agent; its worker is free again. */
  const drop = (job: Job): void => {
    const { agent, request, worker } = job;
    job.stop();
    spend(job);
    jobs.delete(request.id);
    if (agent.running.delete(job)) agent.freeWorkers.push(worker);
    else agent.waiting.splice(agent.waiting.indexOf(job), 1);
  };
  const end = (job: Job, by: InterruptCause | null): void => {
    const { agent, request, takenAt } = job;
    drop(job);
    listener.report(agent.id, {
      kind: 'attempt-ended',
      at: time.now(),
      agent: agent.id,
      attempt: request.id,
      shard: request.shard,
      ending: by === null ? { kind: 'finished' } : { kind: 'interrupted', by },
      seconds: (time.now() - takenAt) / 1000,
    });
    beginNext(agent);
    fetchSoon(agent);
    if (agent.phase === 'draining' && agent.running.size === 0) leave(agent);
  };

  const join = (agent: Agent): void => {
    agent.phase = 'here';
    listener.report(agent.id, joined(agent, size.workers, time.now()));
    fetchSoon(agent);
  };
  /** The machine will be taken away: its agent hands back what it has not begun, and takes nothing more. */
  const drain = (agent: Agent): void => {
    if (agent.phase !== 'here') return;
    agent.phase = 'draining';
    listener.report(agent.id, { kind: 'agent-draining', at: time.now(), agent: agent.id });
    for (const job of [...agent.waiting]) end(job, 'shutdown');
    if (agent.running.size === 0) leave(agent);
  };
  const leave = (agent: Agent): void => {
    if (agent.phase === 'gone' || agent.phase === 'away') return;
    agent.phase = 'gone';
    for (const job of [...agent.running, ...agent.waiting]) end(job, 'shutdown');
    const figures = { busySeconds: 0, idleSeconds: 0, peakRssBytes: 0, cpuSeconds: null };
    listener.report(agent.id, { kind: 'agent-left', at: time.now(), agent: agent.id, ...figures });
  };
  const die = (agent: Agent): void => {
    if (agent.phase === 'gone') return;
    agent.phase = 'gone';
    for (const job of [...agent.running, ...agent.waiting]) drop(job);
    listener.died(agent.id);
  };
  const comeAndGo = (agent: Agent): void => {
    const { joinsAt, noticeAt, diesAt } = agent.machine;
    time.after(joinsAt * 1000, () => join(agent));
    if (Number.isFinite(noticeAt)) time.after(noticeAt * 1000, () => drain(agent));
    // A machine with notice stops what it still runs before it is gone.
    if (Number.isFinite(diesAt)) time.after(diesAt * 1000, () => (Number.isFinite(noticeAt) ? leave(agent) : die(agent)));
  };

  return {
    spent,
    begin() {
      for (const agent of agents) comeAndGo(agent);
    },
    enqueue(request) {
      if (isUrgent(request)) urgent.push(request);
      else queue.push(request);
      for (const agent of hungry.splice(0)) fetchSoon(agent);
    },
    command(command) {
      if (command.kind !== 'cancel-attempt') return;
      const job = jobs.get(command.attempt);
      if (job === undefined) cancelled.add(command.attempt);
      else end(job, command.by);
    },
    leave() {
      hungry = [];
      for (const agent of agents) leave(agent);
    },
  };
}

/** As in the queue of production, work that was begun before goes first. */
const isUrgent = ({ role }: AttemptRequest): boolean => role === 'retry' || role === 'rerun' || role === 'recheck';

const joined = ({ id }: Agent, workers: number, at: number): RunEvent => ({
  kind: 'agent-joined',
  at,
  agent: {
    id,
    host: id,
    pid: 1,
    workers,
    python: '3.12',
    pytest: '9.0',
    xdist: '3.8',
    hashSeed: null,
    isLocal: false,
    fingerprint: { files: null, python: null },
  },
});

interface Place {
  readonly worker: string;
  readonly slowness: number;
}

/** What an attempt runs, in order. */
function stepsOf({ selectors }: AttemptRequest, files: ReadonlyMap<TestFile, TrueFile>, place: Place): readonly Step[] {
  return selectors.flatMap((selector) => {
    const file = files.get(selector.file);
    if (file === undefined) throw new Error(`${selector.file} is not in the suite`);
    if (selector.kind === 'file') return stepsIn(file, [...file.tests.keys()], place);
    if (selector.kind === 'tests') return stepsIn(file, selector.nodeids.map(indexOf), place);
    const except = new Set(selector.except.map(indexOf));
    const chosen = selector.only === null ? [...file.tests.keys()].filter((index) => !except.has(index)) : selector.only.map(indexOf);
    return stepsIn(file, chosen, place);
  });
}

function stepsIn({ name, collectSeconds, tests }: TrueFile, chosen: readonly number[], { worker, slowness }: Place): readonly Step[] {
  const nodeids = chosen.map((index) => testOf(name, index));
  const seconds = collectSeconds * slowness;
  const collecting: Step = {
    seconds,
    starts: null,
    report: (at) => ({
      kind: 'collected',
      at,
      file: name,
      nodeids,
      serial: [],
      mayBackUp: true,
      digest: null,
      seconds,
      worker,
    }),
  };
  return [collecting, ...chosen.map((index) => testStep(name, testOf(name, index), (tests[index] ?? 0) * slowness, worker))];
}

const testStep = (file: TestFile, id: NodeId, seconds: number, worker: string): Step => ({
  seconds,
  starts: id,
  report: (at) => ({
    kind: 'test-finished',
    at,
    result: {
      nodeid: id,
      file,
      line: null,
      outcome: 'passed',
      startedAt: at - seconds * 1000,
      seconds,
      setupSeconds: 0,
      worker,
      isCrash: false,
      message: null,
      brief: null,
      sections: [],
    },
  }),
});
