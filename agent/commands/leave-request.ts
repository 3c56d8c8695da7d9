// When an agent leaves: a signal or the end of its command makes it drain, and then leave; the first cause is kept.
//
// staying → draining: SIGTERM, or a request through Redis        (takes nothing more, finishes what runs)
// staying → leaving:  SIGINT; for an owned agent also SIGTERM and the end of standard input
// draining → leaving: a second SIGTERM, SIGINT, or the end of the drain's time        (interrupts what runs)

import type { AgentSettings } from '../../shared/settings/settings.ts';
import type { Edge } from '../../shared/system/edge.ts';

/** Time that a leaving agent has to store its last results and end its pytest. After that it assumes that Redis is gone, and exits. */
const LEAVE_MS = 20_000;
/**
 * The same for an agent that another command started. A run's own Redis may already be down, and that command waits for this agent.
 */
const LOCAL_LEAVE_MS = 8000;
/** The same after a drain: with the 20 s that a drain takes by default, less than the 30 s after which Kubernetes kills a pod. */
const DRAINED_LEAVE_MS = 9000;

export interface LeaveRequest {
  /** Aborts when the agent is to take nothing more and finish what runs. Its reason names who asked. */
  readonly draining: AbortSignal;
  /** Aborts when the agent is to interrupt what runs, and leave. */
  readonly leaving: AbortSignal;
  /** Begins to drain, unless the agent already does. */
  drain(by: string): void;
  /** How long what runs may still take; null while the agent does not drain. */
  drainSeconds(): number | null;
  /** Waits for no request any more. */
  release(): void;
}

/** From the request to leave on, the agent has a limited time; after that the process ends. */
export function leaveOnRequest({ isOwned, drainTimeoutSeconds }: AgentSettings, edge: Edge): LeaveRequest {
  const draining = new AbortController();
  const leaving = new AbortController();
  let until: number | null = null;
  let timer: NodeJS.Timeout | undefined;
  const leave = (): void => leaving.abort();
  const drain = (by: string): void => {
    if (draining.signal.aborted || leaving.signal.aborted) return;
    until = performance.now() + drainTimeoutSeconds * 1000;
    // A timer of its own, because the process has other work that keeps it alive.
    timer = setTimeout(leave, drainTimeoutSeconds * 1000).unref();
    draining.abort(by);
  };
  const limitMs = (): number => {
    if (isOwned) return LOCAL_LEAVE_MS;
    return draining.signal.aborted ? DRAINED_LEAVE_MS : LEAVE_MS;
  };
  leaving.signal.addEventListener('abort', () => setTimeout(() => edge.abandon(11), limitMs()).unref(), { once: true });
  const onTerm = (): void => (isOwned || draining.signal.aborted ? leave() : drain('SIGTERM'));
  const ignore = [edge.onSignal('SIGTERM', onTerm), edge.onSignal('SIGINT', leave)];
  if (isOwned) {
    // The command that started this agent holds the other end of stdin. When it is gone, the agent has nothing left to do.
    edge.stdin.on('end', leave);
    edge.stdin.on('close', leave);
    edge.stdin.resume();
  }
  return {
    draining: draining.signal,
    leaving: leaving.signal,
    drain,
    drainSeconds: () => (until === null ? null : Math.max(0, (until - performance.now()) / 1000)),
    release() {
      clearTimeout(timer);
      for (const stop of ignore) stop();
      if (isOwned) edge.stdin.pause();
    },
  };
}
