// The agent's life: waits for runs, joins each, and serves it until it closes. It decides nothing about shards: it runs the attempts it
// pulls.

import type { Clock } from '../shared/clock.ts';
import type { RunEvent } from '../shared/domain/events.ts';
import type { RunId } from '../shared/domain/ids.ts';
import type { RunSpec } from '../shared/domain/run-spec.ts';
import { ShardlineError } from '../shared/errors.ts';
import { createClosingStack } from '../shared/system/closing-stack.ts';
import { aheadOf, inTimeOf } from '../shared/wire/agreed-time.ts';
import { refusedAttempt } from './fitness.ts';
import { type AgentIdentity, type LocalPytest, openSession } from './open-session.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import type { Engine, PoolMember, Workspaces } from './ports.ts';
import { followControl } from './run-control.ts';
import { type Serving, serveSession } from './serve-session.ts';
import { createSlotKeeper, type SlotKeeper } from './slot-keeper.ts';

export interface AgentLoop {
  readonly identity: AgentIdentity;
  readonly pytest: LocalPytest;
  readonly workspaces: Workspaces;
  readonly member: PoolMember;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly reportState: (phrase: string, fields: Record<string, unknown>) => void;
  /** Prints a line for the user of this machine. */
  readonly warn: (line: string) => void;
  /** Receives each event that this agent reports to a run, once. */
  readonly logEvent?: (run: RunId, event: RunEvent) => void;
}

export interface LeaveWhen {
  readonly once: boolean;
  /** Longest wait for a run while the agent serves none, in milliseconds; null waits without limit. */
  readonly maxIdleMs: number | null;
  /** How many runs the agent serves at once. */
  readonly maxRuns: number;
  /** Whether the machine has the memory for the session of one more run. Asked only while the agent serves another. */
  readonly hasMemory: () => Promise<boolean>;
}

/** How long an agent without memory for one more run waits before it looks again, in milliseconds. */
const MEMORY_AGAIN_MS = 5000;
/** How long the next run waits for the session of the one before, in milliseconds: its coordinator may be gone. */
const SESSION_OPENS_MS = 60_000;

/**
 * Serves runs, up to `maxRuns` at once, on the same slots. Returns when `shutdown` aborts, when no run opens within `maxIdleMs`, or, with
 * `once`, after one run. At shutdown the agent pulls nothing more, interrupts running attempts and keeps their results, and hands back the
 * attempts it did not begin. When `draining` aborts it does the same, but running attempts finish first.
 * If it cannot serve a run, it reports the error and serves the others; with `once` it rejects. After any other error it leaves all runs and
 * rejects.
 */
export async function agentLoop(
  loop: AgentLoop,
  options: LeaveWhen,
  shutdown: AbortSignal,
  draining: AbortSignal = new AbortController().signal,
): Promise<void> {
  const broken = new AbortController();
  const stopping = AbortSignal.any([shutdown, broken.signal]);
  const leaving = AbortSignal.any([stopping, draining]);
  const { clock } = loop;
  const keeper = options.once || options.maxRuns === 1 ? null : createSlotKeeper(clock.now);
  const serving = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const serve = async (spec: RunSpec, sessionOpen: () => void): Promise<void> => {
    try {
      await serveRun(loop, spec, keeper, sessionOpen, stopping, draining);
    } catch (thrown) {
      // One run that this agent cannot serve, such as one of a newer version, must not cost the pool its agent.
      if (!options.once && thrown instanceof ShardlineError) {
        loop.warn(`could not join run ${spec.runId}: ${thrown.message}`);
        return;
      }
      failures.push(thrown);
      broken.abort();
    }
  };
  try {
    while (!leaving.aborted) {
      if (serving.size >= options.maxRuns) {
        await anyOf(serving, MEMORY_AGAIN_MS, clock, leaving);
        continue;
      }
      const isIdle = serving.size === 0;
      const spec = await nextRun(loop, options.maxIdleMs, serving, leaving);
      if (spec !== null) {
        // Asked only now, because the run may have opened hours after the last look.
        if (serving.size > 0 && !(await options.hasMemory())) {
          await anyOf(serving, MEMORY_AGAIN_MS, clock, leaving);
          continue;
        }
        const session = Promise.withResolvers<void>();
        const served = serve(spec, session.resolve).finally(() => serving.delete(served));
        serving.add(served);
        // The memory of a session that is not open yet still counts as free.
        await anyOf([session.promise, served], SESSION_OPENS_MS, clock, leaving);
      } else if (isIdle) break;
      if (options.once) break;
    }
  } catch (thrown) {
    failures.push(thrown);
    broken.abort();
  }
  // Every run that is still served gets its results, and is left.
  await Promise.all(serving);
  if (failures.length > 0) throw failures[0];
}

/** Resolves when one of `events` does, when the agent leaves, and after `limitMs`. */
async function anyOf(events: Iterable<Promise<void>>, limitMs: number, clock: Clock, leaving: AbortSignal): Promise<void> {
  const over = new AbortController();
  const waited = clock.wait(limitMs, AbortSignal.any([leaving, over.signal])).catch(() => undefined);
  await Promise.race([...events, waited]);
  over.abort();
}

/**
 * Returns null at shutdown, when no run opens within `maxIdleMs` while this agent serves none, and when one that it serves ends, so that the
 * caller looks again.
 */
async function nextRun(
  { member, clock }: AgentLoop,
  maxIdleMs: number | null,
  serving: ReadonlySet<Promise<void>>,
  shutdown: AbortSignal,
): Promise<RunSpec | null> {
  const over = new AbortController();
  const waited = new AbortController();
  const stop = (): void => over.abort();
  if (serving.size > 0) void Promise.race(serving).then(stop, stop);
  else if (maxIdleMs !== null) void clock.wait(maxIdleMs, waited.signal).then(stop, () => undefined);
  try {
    return await member.nextRun(AbortSignal.any([shutdown, over.signal]));
  } finally {
    waited.abort();
  }
}

async function serveRun(
  loop: AgentLoop,
  spec: RunSpec,
  keeper: SlotKeeper | null,
  sessionOpen: () => void,
  shutdown: AbortSignal,
  draining: AbortSignal,
): Promise<void> {
  const { clock, identity, pytest, workspaces, engine } = loop;
  const { runId, drain } = spec;
  const agent = identity.id;
  const run = await loop.member.join(spec);
  const listening = new AbortController();
  const block = keeper?.takeBlock() ?? 0;
  try {
    await using opened = createClosingStack();
    /** The events that introduce this agent. It sends them again when they may have been lost; a duplicate changes nothing. */
    const introduction: RunEvent[] = [];
    const control = followControl(run, agent, listening.signal, () => {
      for (const event of introduction) sending.push(event);
    });
    const aheadMs = aheadOf(await run.serverNow(), clock.now());
    const sending = createOutbox((events) => run.append(events.map((event) => inTimeOf(event, aheadMs))), clock);
    const outbox: Outbox = {
      ...sending,
      push(event) {
        loop.logEvent?.(runId, event);
        sending.push(event);
      },
    };
    const joinedAt = clock.now();
    const introduce = (event: RunEvent): void => {
      introduction.push(event);
      outbox.push(event);
    };
    // Nothing runs before the session is open, so there is nothing to finish.
    const leaving = AbortSignal.any([shutdown, draining]);
    const isShared = (): boolean => keeper?.isShared() ?? false;
    const found = await openSession(
      { identity, pytest, workspaces, opened, engine, clock, spec, run, outbox, control, block, isShared, introduce },
      leaving,
    );
    const dismissed = (problem: string | null): void => warnOfDismissal(loop, spec, problem);
    if (found === null) {
      dismissed(control.dismissal());
      return;
    }
    sessionOpen();
    const { session, workspace } = found;
    const seat = keeper?.enter(spec, session.info.workers) ?? null;
    try {
      loop.reportState('joined run', { run: runId, agent });
      const refused: Serving['refused'] = (request) => refusedAttempt(identity, workspace, spec, request);
      await serveSession(
        { agent, clock, run, outbox, control, session, refused, drain, seat, joinedAt, listening, dismissed, introduce },
        shutdown,
        draining,
      );
      // A dismissal is reported with its cause.
      if (control.dismissal() === null) loop.reportState('left run', { run: runId, agent });
    } finally {
      seat?.leave();
      await session.close();
    }
  } finally {
    listening.abort();
    keeper?.leaveBlock(block);
    await run.leave();
  }
}

/** Prints the reason for the user of this machine, who may not see the coordinator's output. */
function warnOfDismissal({ warn }: AgentLoop, { runId }: RunSpec, problem: string | null): void {
  if (problem !== null) warn(`left run ${runId}: ${problem}`);
}
