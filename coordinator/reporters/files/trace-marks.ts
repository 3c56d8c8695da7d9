// Keeps what a trace shows besides tests: collections, shards, agents that joined and left, and the deadline. It observes one run, or
// several runs one after the other.

import type { AttemptEnding } from '../../../shared/domain/attempt.ts';
import type { AgentId, AttemptId, ShardId, TestFile } from '../../../shared/domain/ids.ts';
import { deadlineTimes } from '../../core/state/deadline.ts';
import type { EventObserver } from '../../run-observer.ts';

/** Instants are milliseconds since the epoch. */
export type TraceMark =
  /** `agent` is null if it concerns the whole run. */
  | { readonly kind: 'instant'; readonly name: string; readonly agent: AgentId | null; readonly at: number }
  | {
      readonly kind: 'shard';
      readonly shard: ShardId;
      readonly attempt: AttemptId;
      readonly agent: AgentId;
      readonly from: number;
      readonly to: number;
      readonly ending: AttemptEnding['kind'];
    }
  | {
      readonly kind: 'collection';
      readonly file: TestFile;
      readonly agent: AgentId;
      readonly worker: string;
      readonly to: number;
      readonly seconds: number;
    };

export interface TraceMarks extends EventObserver {
  all(): readonly TraceMark[];
}

export function createTraceMarks(): TraceMarks {
  const marks: TraceMark[] = [];
  const begun = new Map<AttemptId, number>();
  const instant = (name: string, agent: AgentId | null, at: number): void => void marks.push({ kind: 'instant', name, agent, at });
  return {
    all: () => marks,
    observe(event) {
      switch (event.kind) {
        case 'run-opened': {
          // The attempts of another run have the same ids.
          begun.clear();
          const times = deadlineTimes(event);
          if (times === null) return;
          instant('drain', null, times.drainAt);
          instant('deadline', null, times.endAt);
          return;
        }
        case 'agent-joined':
          return instant(`agent ${event.agent.id} joined`, event.agent.id, event.at);
        case 'agent-draining':
          return instant(`agent ${event.agent} draining`, event.agent, event.at);
        case 'agent-left':
          return instant(`agent ${event.agent} left`, event.agent, event.at);
        case 'agent-lost':
          return instant(`agent ${event.agent} lost`, event.agent, event.at);
        case 'run-closed':
          return instant(`closed: ${event.why.kind === 'done' ? 'done' : event.why.notRun}`, null, event.at);
        case 'attempt-started':
          begun.set(event.attempt, event.at);
          return;
        case 'attempt-ended': {
          const { shard, attempt, agent, at: to } = event;
          const from = begun.get(attempt);
          if (from !== undefined) marks.push({ kind: 'shard', shard, attempt, agent, from, to, ending: event.ending.kind });
          return;
        }
        case 'attempt-reported': {
          const { agent, event: reported } = event;
          if (reported.kind !== 'collected') return;
          const { file, worker, at: to, seconds } = reported;
          marks.push({ kind: 'collection', file, agent, worker, to, seconds });
          return;
        }
        default:
      }
    },
  };
}
