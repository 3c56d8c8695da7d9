// Records when each xdist worker was working, and work that was done more than once. profile.ts interprets it.

import type { AttemptEvent } from '../../../shared/domain/events.ts';
import type { AgentId, AttemptId } from '../../../shared/domain/ids.ts';
import { sum } from '../../../shared/numbers.ts';

/** The time from the first to the last work of one xdist worker. A worker that replaces a dead one has its own name. */
export interface WorkerSpan {
  readonly agent: AgentId;
  firstAt: number;
  lastAt: number;
}

/**
 * Work by attempt and file or test, so that repeated events change nothing; in whole microseconds, so that order does not affect the sum.
 */
export interface Work {
  /** By agent and xdist worker. */
  readonly spans: Map<string, WorkerSpan>;
  readonly collections: Map<string, number>;
  /** Results from another attempt than the counted one. */
  readonly dropped: Map<string, number>;
}

export const noWork = (): Work => ({ spans: new Map(), collections: new Map(), dropped: new Map() });

/** Adds the work in one event to `work`, in place. */
export function observeWork(work: Work, agent: AgentId, attempt: AttemptId, event: AttemptEvent): void {
  if (event.kind === 'collected') {
    work.collections.set(`${attempt} ${event.file}`, microseconds(event.seconds));
    extend(work, agent, event.worker, event.at - event.seconds * 1000, event.at);
  }
  if (event.kind === 'test-finished') extend(work, agent, event.result.worker, event.result.startedAt, event.at);
}

/** Records a result that does not count. */
export function dropWork(work: Work, attempt: AttemptId, nodeid: string, seconds: number): void {
  work.dropped.set(`${attempt} ${nodeid}`, microseconds(seconds));
}

/** Seconds of one xdist worker without benefit: collections beyond the `collectionSeconds` that were needed, and dropped results. */
export function lostSeconds(work: Work, collectionSeconds: number): number {
  const again = sum(work.collections.values()) - microseconds(collectionSeconds);
  return (Math.max(0, again) + sum(work.dropped.values())) / 1e6;
}

function extend(work: Work, agent: AgentId, worker: string, from: number, to: number): void {
  const key = `${agent} ${worker}`;
  const span = work.spans.get(key);
  if (span === undefined) work.spans.set(key, { agent, firstAt: from, lastAt: to });
  else {
    span.firstAt = Math.min(span.firstAt, from);
    span.lastAt = Math.max(span.lastAt, to);
  }
}

const microseconds = (seconds: number): number => Math.round(seconds * 1e6);
