// Plays a scenario: the production loops of coordinator and agents over the model of Redis, under virtual time, with the faults of the scenario. Records
// everything that coordinators saw, so that two runs of one scenario can be compared byte for byte. What must hold of it is check.ts's.

import { agentLoop } from '../../agent/agent-loop.ts';
import { drainOf } from '../../coordinator/commands/run-spec-builder.ts';
import { deadlineTimes } from '../../coordinator/core/decide/deadline.ts';
import { NO_AFFINITY } from '../../coordinator/core/plan/affinity.ts';
import { estimateFiles } from '../../coordinator/core/plan/estimate.ts';
import { planShards } from '../../coordinator/core/plan/plan.ts';
import { planSuite } from '../../coordinator/core/plan/plan-suite.ts';
import { splitUnits } from '../../coordinator/core/plan/split.ts';
import { merge } from '../../coordinator/core/result/merge.ts';
import type { CoordinatorEvent, RunOpened } from '../../coordinator/core/state/events.ts';
import { type Recorded, replay } from '../../coordinator/core/state/replay.ts';
import { openRun, type RunState } from '../../coordinator/core/state/run-state.ts';
import type { RunChannel } from '../../coordinator/ports.ts';
import { decodeLine, encodeLine } from '../../coordinator/record/journal-codec.ts';
import { runLoop } from '../../coordinator/run-loop.ts';
import type { FilesPrint } from '../../shared/domain/fingerprint.ts';
import { agentId, nodeId, runId, testFile } from '../../shared/domain/ids.ts';
import type { Report } from '../../shared/domain/report.ts';
import type { FileTiming, Timings } from '../../shared/domain/timings.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { aheadOf } from '../../shared/wire/agreed-time.ts';
import { modelMember } from '../fakes/redis/agent-side.ts';
import { endConnections, type Network } from '../fakes/redis/connection.ts';
import { modelPools } from '../fakes/redis/coordinator-side.ts';
import { type Process, startProcess } from '../fakes/redis/process.ts';
import { copyOf, type Defects, noData, type ServerData, SOUND, startServer } from '../fakes/redis/server.ts';
import { randomOf } from './random.ts';
import type { Fault, Scenario, SimulatedAgent } from './scenario.ts';
import { simulatedEngine, truthOf } from './session.ts';
import { virtualTime } from './virtual-time.ts';

/** 2026, so that dates in reports look like dates. */
export const START = Date.UTC(2026, 0, 1);
const POOL = 'simulated';
const RUN = runId('run');
/** No scenario takes longer than this after its last fault, in virtual time; one that does never ends. */
const PATIENCE_MS = 10 * 60_000;
/** How long agents may take to leave when they are asked to. */
const LEAVE_MS = 5 * 60_000;
/** How long a connection may be silent before its owner makes it anew, as in shared/redis/connect.ts. */
const SILENCE_MS = 5000;
/** How long a coordinator waits for its run to be closed. */
const CLOSE_MS = 5000;
const FIXED_SECONDS = 0.005;
const REDIS_WAIT_MS = 30_000;

/** A coordinator that brought its run to an end, with everything that it recorded. */
export interface Ended {
  readonly name: string;
  readonly opening: RunOpened;
  readonly journal: readonly CoordinatorEvent[];
  readonly state: RunState;
  readonly report: Report;
  /** When its loop ended, by its own clock. */
  readonly endedAt: number;
}

export interface Played {
  readonly scenario: Scenario;
  /** In the order in which they ended: mostly one. */
  readonly ended: readonly Ended[];
  /** Everything that coordinators recorded and how processes ended, a line each. */
  readonly log: readonly string[];
  /** Processes that failed, in words. */
  readonly failures: readonly string[];
  /** Did nobody end the run, although a coordinator was there that could? */
  readonly isStuck: boolean;
  /** Did agents that were asked to leave not do so? */
  readonly isStaying: boolean;
  /** Results that sessions reported. */
  readonly results: number;
  /** Agents that left in order and kept a job that they had not begun. */
  readonly hoarders: readonly string[];
  /** Coordinators that closed a run which another one had taken over. */
  readonly usurpers: readonly string[];
  /** Attempts that the queue took for finished before their end was stored. */
  readonly early: readonly string[];
  /** Was anything left of the run on the server? */
  readonly leftovers: readonly string[];
}

interface Living {
  readonly process: Process;
  readonly leave: AbortController;
  isOver: boolean;
}

interface Coordinator extends Living {
  readonly journal: CoordinatorEvent[];
  /** Has it begun to close the run? */
  isClosing: boolean;
  /** Did another one take the run from it? That one may have died since. */
  isDeposed: boolean;
}

export async function play(scenario: Scenario, defects: Defects = SOUND): Promise<Played> {
  const { seed } = scenario;
  const time = virtualTime(START);
  const server = startServer(time, defects);
  const truth = truthOf(scenario);
  const log: string[] = [];
  const failures: string[] = [];
  const ended: Ended[] = [];
  const agents = new Map<string, Living>();
  const coordinators: Coordinator[] = [];
  /** The one that has the record of the run. */
  let newest: Coordinator | null = null;
  let isEnding = false;
  const hoarders: string[] = [];
  const usurpers: string[] = [];
  const network = simulatedNetwork(scenario, time.now);
  const at = (): string => (time.now() - START).toFixed(2);
  const note = (text: string): void => {
    log.push(`${at()} ${text}`);
  };

  const startAgent = (agent: SimulatedAgent): void => {
    const process = startProcess(time, agent.name, agent.skewMs, time.touch);
    const leave = new AbortController();
    const id = agentId(agent.name);
    const serve = async (): Promise<void> => {
      await using member = modelMember({ server, process, network }, POOL, id);
      const printFiles = async (): Promise<FilesPrint> => printOf(agent.kind === 'foreign' ? 'other' : 'same', agent.name);
      await agentLoop(
        {
          identity: { id, host: agent.name, pid: 1, hashSeed: null, isLocal: false, printFiles },
          pytest: { workspace: '/', python: 'python3', numprocesses: String(agent.workers), maxAutoWorkers: agent.workers },
          member,
          engine: simulatedEngine(truth, agent, process),
          clock: process.clock,
          tellState: (phrase) => note(`${agent.name} ${phrase}`),
          warn: (line) => note(`${agent.name} ${line}`),
        },
        { once: false, maxIdleMs: null },
        leave.signal,
      );
    };
    const living: Living = { process, leave, isOver: false };
    process.resume(() => {
      serve().then(
        () => {
          living.isOver = true;
          note(`${agent.name} ended`);
          const held = [...server.data.runs.values()].flatMap(({ jobs }) => [...jobs.values()]);
          for (const { id: job, state, processedBy } of held) if (state === 'active' && processedBy === id) hoarders.push(`${id} ${job}`);
        },
        (thrown: unknown) => {
          living.isOver = true;
          failures.push(`${agent.name}: ${describe(thrown)}`);
        },
      );
    });
    agents.set(agent.name, living);
  };

  const startCoordinator = (): void => {
    const before = newest;
    if (before !== null && (before.journal.length === 0 || before.isOver)) {
      note('there is nothing to resume');
      return;
    }
    const name = `c${coordinators.length + 1}`;
    const process = startProcess(time, name, randomOf(seed, name).int(-2000, 2000), time.touch);
    const journal: CoordinatorEvent[] = [];
    const coordinator: Coordinator = { process, leave: new AbortController(), journal, isOver: false, isClosing: false, isDeposed: false };
    const serve = async (): Promise<void> => {
      const pools = modelPools({ server, process, network });
      const aheadMs = aheadOf(await pools.serverNow(), process.clock.now());
      let known: Recorded | null = null;
      let channel: RunChannel;
      let state: RunState;
      if (before === null) {
        const startedAt = process.clock.now();
        const opening = openingOf(scenario, startedAt, aheadMs);
        channel = await pools.openRun(opening.spec);
        state = openRun(opening);
      } else {
        const read = async (): Promise<Recorded> => {
          journal.splice(0, journal.length, ...copied(before.journal));
          const recorded = replay(journal);
          if (recorded === null) throw new Error('the record does not begin with an opening');
          return recorded;
        };
        let recorded = await read();
        channel = await pools.openRun(recorded.opening.spec, async () => {
          recorded = await read();
          return [...recorded.state.attempts.keys()];
        });
        await channel.confirm();
        known = recorded;
        state = recorded.state;
      }
      // The record is one file: whoever resumes the run makes it anew.
      newest = coordinator;
      const observe = (event: CoordinatorEvent): void => {
        if (event.kind === 'redis-emptied' && newest !== coordinator) throw new ShardlineError('taken-over', { runId: RUN });
        journal.push(event);
        log.push(`${at()} ${name} ${JSON.stringify(event)}`);
      };
      const slots = Math.max(
        1,
        scenario.agents.reduce((sum, { workers }) => sum + workers, 0),
      );
      const planning = { timings: timingsOf(scenario), affinity: NO_AFFINITY, slots, fixedSeconds: FIXED_SECONDS, thresholdSeconds: null };
      const closing = async (): Promise<void> => {
        const late = new AbortController();
        coordinator.isClosing = true;
        wasDeposed = newest !== coordinator;
        const closed = channel.close().then(() => {
          isClosed = true;
        });
        await Promise.race([closed, process.clock.wait(CLOSE_MS, late.signal).catch(() => undefined)]);
        late.abort();
      };
      let isClosed = false;
      let wasDeposed = false;
      let final: RunState;
      try {
        final = await runLoop(
          {
            channel,
            state,
            recorded: known,
            clock: process.clock,
            aheadMs,
            observe,
            proves: false,
            modules: [],
            preloads: false,
            planSuite: (list, first) => ({ shards: planSuite(list, planning, first), failureChances: {} }),
            noAgentCanCome: null,
            redisWaitMs: REDIS_WAIT_MS,
          },
          { requested: coordinator.leave.signal, forced: new AbortController().signal },
        );
      } finally {
        await closing();
      }
      if (newest !== coordinator) {
        if (isClosed && wasDeposed && newest?.isClosing === false) usurpers.push(name);
        throw new ShardlineError('taken-over', { runId: RUN });
      }
      const endedAt = process.clock.now();
      ended.push({
        name,
        opening: final.opened,
        journal,
        state: final,
        report: merge(final, { finishedAt: endedAt, mergeSeconds: 0 }),
        endedAt,
      });
    };
    process.resume(() => {
      serve().then(
        () => {
          coordinator.isOver = true;
          note(`${name} ended`);
        },
        (thrown: unknown) => {
          coordinator.isOver = true;
          note(`${name} failed: ${describe(thrown)}`);
          const isDeposed = thrown instanceof ShardlineError && thrown.code === 'taken-over' && coordinators.length > 1;
          coordinator.isDeposed = isDeposed;
          if (!isDeposed) failures.push(`${name}: ${describe(thrown)}`);
        },
      );
    });
    coordinators.push(coordinator);
    newest ??= coordinator;
  };

  for (const agent of scenario.agents)
    time.after(agent.startsAt, () => {
      if (!isEnding) startAgent(agent);
    });
  startCoordinator();
  for (const fault of scenario.faults) time.after(fault.at, () => strike(fault));
  const snapshots: { readonly at: number; readonly data: ServerData }[] = [];
  for (const fault of scenario.faults)
    if (fault.kind === 'restart' && typeof fault.keeps === 'number')
      time.after(Math.max(0, fault.at - fault.keeps), () => snapshots.push({ at: fault.at, data: copyOf(server.data) }));

  const those = (of: string): readonly Process[] => {
    const coordinator = newest === null ? [] : [newest.process];
    if (of === 'coordinator') return coordinator;
    if (of === 'all') return [...coordinator, ...[...agents.values()].map(({ process }) => process)];
    return [agents.get(of)?.process ?? []].flat();
  };

  const strike = (fault: Fault): void => {
    note(`fault ${JSON.stringify(fault)}`);
    switch (fault.kind) {
      case 'break':
        for (const process of those(fault.of)) endConnections(server, process);
        break;
      case 'cut':
        for (const process of those(fault.of)) {
          network.cut(process, time.now() + fault.forMs);
          // Whoever was silent for too long is given up; sooner it goes on as if nothing had been.
          if (fault.forMs >= SILENCE_MS) time.after(SILENCE_MS, () => endConnections(server, process));
        }
        break;
      case 'slow':
        for (const process of those(fault.of)) network.slow(process, time.now() + fault.forMs, fault.delayMs);
        break;
      case 'freeze':
        for (const process of those(fault.of)) {
          process.freeze();
          time.after(fault.forMs, () => process.thaw());
        }
        break;
      case 'kill':
        for (const process of those(fault.of)) {
          process.kill();
          // The kernel closes its connections, behind what it had sent.
          if (!fault.isSilent) time.after(network.delayMs(process) + 5, () => endConnections(server, process));
        }
        break;
      case 'leave': {
        const living = agents.get(fault.of);
        living?.process.resume(() => living.leave.abort());
        break;
      }
      case 'interrupt': {
        const interrupted = newest;
        interrupted?.process.resume(() => interrupted.leave.abort('SIGINT'));
        break;
      }
      case 'take-over':
        startCoordinator();
        break;
      case 'restart': {
        const kept =
          fault.keeps === 'all' ? null : fault.keeps === 'nothing' ? noData() : snapshots.find((each) => each.at === fault.at)?.data;
        server.restart(fault.downMs, kept ?? null);
        break;
      }
    }
  };

  const lastFaultAt = Math.max(0, ...scenario.faults.map((fault) => fault.at + ('forMs' in fault ? fault.forMs : 0)));
  const isDone = (): boolean =>
    ended.length > 0 || (time.now() - START > lastFaultAt && coordinators.every(({ isOver, process }) => isOver || process.isDead()));
  await time.play(isDone, START + lastFaultAt + PATIENCE_MS);
  // What is still to come may not change what has ended: a coordinator that wakes up late, an agent that goes on.
  await time.play(() => false, Math.max(time.now(), START + lastFaultAt) + 1000);
  const isStuck = ended.length === 0 && (isHeld(newest) || isDropped(coordinators));
  isEnding = true;
  for (const { process, leave } of agents.values()) process.resume(() => leave.abort());
  const isGone = (): boolean => [...agents.values()].every(({ isOver, process }) => isOver || process.isDead());
  const isStaying = !(await time.play(isGone, time.now() + LEAVE_MS));
  return {
    scenario,
    ended,
    log,
    failures,
    isStuck,
    isStaying,
    results: truth.results,
    hoarders,
    usurpers,
    early: server.early,
    leftovers: [...server.data.runs.keys()],
  };
}

const isHeld = (coordinator: Coordinator | null): boolean =>
  coordinator !== null && !coordinator.process.isDead() && !coordinator.isDeposed && coordinator.journal.length > 0;

/** Are all there, and has each given up for another? */
const isDropped = (coordinators: readonly Coordinator[]): boolean =>
  coordinators.every(({ process, isDeposed }) => isDeposed && !process.isDead());

const describe = (thrown: unknown): string => (thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown));

/** As another command reads it. */
const copied = (journal: readonly CoordinatorEvent[]): CoordinatorEvent[] =>
  journal.map((event) => decodeLine(encodeLine(event), 'the record'));

const printOf = (contents: string, place: string): FilesPrint => ({ place, git: null, contents });

/** What an earlier run measured, well or badly. */
function timingsOf({ files }: Scenario): Timings {
  const timings = new Map<ReturnType<typeof testFile>, FileTiming>();
  for (const { name, collectMs, knownAs, tests } of files) {
    if (knownAs === null) continue;
    const seconds = (ms: number): number => (ms * knownAs) / 1000;
    const own = new Map(tests.map(({ id, ms }) => [nodeId(id), seconds(ms)]));
    const sum = tests.reduce((total, { ms }) => total + ms, collectMs);
    timings.set(testFile(name), {
      seconds: seconds(sum),
      collectSeconds: seconds(collectMs),
      fixtureSeconds: 0,
      tests: own,
      failing: new Map(),
    });
  }
  return timings;
}

function openingOf(scenario: Scenario, startedAt: number, aheadMs: number): RunOpened {
  const { collect, files, agents, limits } = scenario;
  const deadline = limits.deadlineSeconds === null ? null : { seconds: limits.deadlineSeconds, reserveSeconds: 1 };
  const times = deadlineTimes({ startedAt, deadline });
  const timings = timingsOf(scenario);
  const estimates = estimateFiles(
    files.map(({ name }) => ({ file: testFile(name), nodeids: null })),
    timings,
  );
  const units = [...estimates].map(([file, seconds]) => ({ selectors: [{ kind: 'file', file } as const], seconds }));
  const slots = Math.max(
    1,
    agents.reduce((sum, { workers }) => sum + workers, 0),
  );
  const split = splitUnits(units, { timings, affinity: NO_AFFINITY, slots, thresholdSeconds: null });
  return {
    kind: 'run-opened',
    at: startedAt,
    startedAt,
    spec: {
      version: 2,
      runId: RUN,
      pool: POOL,
      collect,
      pytestArgs: [],
      cache: null,
      harmless: [],
      serialMarker: 'serial',
      stopsItself: limits.rerunTimes === 0,
      testTimeoutSeconds: limits.testTimeoutSeconds,
      relay: 'auto',
      fingerprintPolicy: 'strict',
      files: printOf('same', 'coordinator'),
      maxWorkerBytes: 0,
      maxWorkerFiles: 0,
      maxfail: limits.maxfail,
      openedAt: startedAt + aheadMs,
      drain: times === null ? null : drainOf(times, aheadMs),
    },
    shards: planShards({ units: split, slots, fixedSeconds: FIXED_SECONDS }).shards,
    collectErrors: [],
    preparation: { setupSeconds: 0, discoverySeconds: 0 },
    attemptLimit: limits.attemptLimit,
    crashLimit: limits.crashLimit,
    reruns: { times: limits.rerunTimes, limit: { kind: 'percent', percent: 100 } },
    flakyFails: false,
    waitAgentSeconds: limits.waitAgentSeconds,
    deadline,
    affinity: NO_AFFINITY,
    digests: {},
    failedWhole: [],
    restarted: null,
    speculate: limits.speculate,
    order: null,
    failureChances: {},
    knownTests: {},
    coverage: null,
    cache: null,
    python: null,
  };
}

interface SimulatedNetwork extends Network {
  cut(process: Process, until: number): void;
  slow(process: Process, until: number, delayMs: number): void;
}

/** Delays are multiples of a quarter of a millisecond, which floating point adds up exactly. */
function simulatedNetwork({ seed }: Scenario, now: () => number): SimulatedNetwork {
  const lanes = new Map<Process, { readonly random: ReturnType<typeof randomOf>; cutUntil: number; slowUntil: number; slowMs: number }>();
  const laneOf = (process: Process) => {
    const known = lanes.get(process) ?? { random: randomOf(seed, `network of ${process.name}`), cutUntil: 0, slowUntil: 0, slowMs: 0 };
    lanes.set(process, known);
    return known;
  };
  return {
    delayMs(process) {
      const { random, cutUntil, slowUntil, slowMs } = laneOf(process);
      const usual = random.int(1, random.chance(0.02) ? 400 : 8) / 4;
      return Math.max(0, cutUntil - now()) + usual + (now() < slowUntil ? random.int(0, slowMs) : 0);
    },
    connectMs(process) {
      const { random, cutUntil } = laneOf(process);
      return Math.max(0, cutUntil - now()) + random.int(4, 400) / 4;
    },
    cut(process, until) {
      const lane = laneOf(process);
      lane.cutUntil = Math.max(lane.cutUntil, until);
    },
    slow(process, until, delayMs) {
      Object.assign(laneOf(process), { slowUntil: until, slowMs: delayMs });
    },
  };
}
