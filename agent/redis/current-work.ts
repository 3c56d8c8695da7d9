// What an agent does now, for those who watch its pool: the runs that it has joined, and how many shards it holds of each.

import type { RunId } from '../../shared/domain/ids.ts';
import type { AgentFacts } from '../../shared/wire/fleet/agent-facts.ts';
import type { JoinedRun } from '../ports.ts';

export interface CurrentWork {
  /** The same run, counted until the agent leaves it. */
  count(id: RunId, run: JoinedRun): JoinedRun;
  now(): AgentFacts['runs'];
}

export function countCurrentWork(): CurrentWork {
  const shards = new Map<RunId, number>();
  const add = (id: RunId, count: number): void => void shards.set(id, (shards.get(id) ?? 0) + count);
  return {
    count(id, run) {
      add(id, 0);
      return {
        ...run,
        pull: (slots, serve, signal, shared) =>
          run.pull(
            slots,
            async (attempt) => {
              add(id, 1);
              try {
                await serve(attempt);
              } finally {
                add(id, -1);
              }
            },
            signal,
            shared,
          ),
        async leave() {
          shards.delete(id);
          await run.leave();
        },
      };
    },
    now: () => [...shards].map(([run, held]) => ({ run, shards: held })),
  };
}
