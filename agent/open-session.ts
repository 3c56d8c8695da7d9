// Opens an agent's session in a run, and reports to the coordinator what the session finds out, or why it does not open.

import { assertNever } from '../shared/assert-never.ts';
import type { Clock } from '../shared/clock.ts';
import type { RunEvent } from '../shared/domain/events.ts';
import type { RunSpec } from '../shared/domain/run-spec.ts';
import type { FilesPrint } from '../shared/domain/suite/fingerprint.ts';
import { ShardlineError } from '../shared/errors.ts';
import type { ClosingStack } from '../shared/system/closing-stack.ts';
import type { OtherUser } from '../shared/system/other-user.ts';
import { type Candidate, printOwnFiles, refuseForeignArgs, refuseOtherFiles, refuseOutsideFiles, unfitBecause } from './fitness.ts';
import type { Outbox } from './outbox.ts';
import { type Engine, type JoinedRun, RunOver, type Session, type Workspaces } from './ports.ts';
import type { RunControl } from './run-control.ts';
import { coverageSender } from './send-coverage.ts';
import type { NumberScope } from './worker-numbers.ts';

export interface AgentIdentity extends Candidate {
  readonly pid: number;
  readonly hashSeed: string | null;
  /** Sorted; none by default. */
  readonly labels?: readonly string[] | undefined;
}

/** The pytest settings of this machine. They are the same for every run. */
export interface LocalPytest {
  readonly numprocesses: string;
  readonly maxAutoWorkers: number;
  /** The user that runs pytest; null for the agent's own. */
  readonly user?: OtherUser | null;
}

/** An agent that opens its session in a run. */
export interface Opening {
  readonly identity: AgentIdentity;
  readonly pytest: LocalPytest;
  readonly workspaces: Workspaces;
  /** Closes the workspace after the session. */
  readonly opened: ClosingStack;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly spec: RunSpec;
  readonly run: JoinedRun;
  readonly outbox: Outbox;
  readonly control: RunControl;
  /** Which block of worker numbers the run has: no other run that this agent serves at once has the same. */
  readonly block: number;
  /** Whether other runs have a session on this machine too. */
  readonly isShared: () => boolean;
  /** Sends an event that introduces this agent, and sends it again whenever it may have been lost. */
  readonly introduce: (event: RunEvent) => void;
}

/** A session, and the directory in which it runs the tests. */
export interface OpenSession {
  readonly session: Session;
  readonly workspace: string;
}

/**
 * Opens a session for the run. Returns null when the run ends, or the agent has to leave, before the session is open.
 * Reports a workspace that differs from the run's, and a pytest that does not start, to the coordinator: users do not read the logs of all
 * machines.
 */
export async function openSession(opening: Opening, shutdown: AbortSignal): Promise<OpenSession | null> {
  const { identity, pytest, workspaces, opened, engine, clock, spec, run, outbox, control, block, isShared, introduce } = opening;
  const closed = new AbortController();
  void control.closed.then(() => closed.abort());
  const { id, host, pid, hashSeed, isLocal, labels = [] } = identity;
  let isJoined = false;
  let files: FilesPrint | null = null;
  const ending = AbortSignal.any([closed.signal, shutdown]);
  try {
    const { directory: workspace, python } = opened.use(await workspaces.open(spec, ending));
    files = await printOwnFiles(identity, workspace, spec);
    refuseOtherFiles(identity, spec, files);
    await refuseForeignArgs(identity, workspace, spec);
    const collect = control.collect.then(async (how) => {
      const loaded = how.loads.flatMap(({ file }) => (file === null ? [] : [file]));
      await refuseOutsideFiles(identity, workspace, spec, [...how.companions, ...loaded]);
      return how;
    });
    // The engine may fail before it needs the answer.
    collect.catch(() => undefined);
    const session = await engine.open({
      agent: id,
      labels,
      spec,
      workspace,
      python,
      ending,
      collect,
      started(info) {
        if (isJoined) return;
        isJoined = true;
        const { installed, ...versions } = info;
        const fingerprint = { files, python: installed };
        const about = { id, host, pid, hashSeed, isLocal, fingerprint, ...(labels.length === 0 ? {} : { labels }) };
        introduce({ kind: 'agent-joined', at: clock.now(), agent: { ...about, ...versions } });
      },
      listed: (list) =>
        introduce({
          kind: 'suite-listed',
          at: clock.now(),
          agent: id,
          list: control.isKnown(list.hash) ? { ...list, groups: [], proof: null } : list,
        }),
      inseparable: (found) => outbox.push({ kind: 'suite-inseparable', at: clock.now(), agent: id, ...found }),
      show: (shown) => outbox.push({ kind: 'session-shown', at: clock.now(), agent: id, shown }),
      ended: (ending) => outbox.push({ kind: 'session-ended', at: clock.now(), agent: id, ...ending }),
      refused: (message) => outbox.push({ kind: 'suite-refused', at: clock.now(), agent: id, message }),
      room: outbox.room,
      // With other runs, the next attempt gets a slot when this one ends: a worker that held back its last test for it would idle.
      isMoreWaiting: async () => !isShared() && (await run.isMoreWaiting()),
      claimNumbers: (scope, count, floor) =>
        run.claimNumbers(counterOf(scope, host, workspace), count, Math.max(floor, leastOf(scope, block))),
      keepCoverage: coverageSender(run, outbox, id, clock),
      ...pytest,
    });
    return { session, workspace };
  } catch (thrown) {
    if (thrown instanceof ShardlineError) {
      const fingerprint = { files, python: null };
      outbox.push({ kind: 'agent-unfit', at: clock.now(), agent: id, host, ...unfitBecause(thrown), fingerprint });
    } else if (isJoined) {
      outbox.push({ kind: 'agent-left', at: clock.now(), agent: id, busySeconds: 0, idleSeconds: 0, peakRssBytes: 0, cpuSeconds: 0 });
    }
    await outbox.flushed();
    if (thrown instanceof RunOver) return null;
    throw thrown;
  }
}

/**
 * Tests name databases and ports of this machine by these numbers. Those of two runs that this agent serves at once stay apart until a run
 * has used up its block.
 */
const NUMBERS_PER_BLOCK = 1000;
const leastOf = (scope: NumberScope, block: number): number => (scope === 'fleet' ? 0 : block * NUMBERS_PER_BLOCK);

/** The counter of the run that numbers what is unique within `scope`. */
function counterOf(scope: NumberScope, host: string, workspace: string): string {
  switch (scope) {
    case 'fleet':
      return 'fleet';
    case 'machine':
      return `machine ${host}`;
    case 'workspace':
      return `workspace ${host} ${workspace}`;
    default:
      return assertNever(scope);
  }
}
