// What an attacker writes in the name of an agent.

import type { RunEvent } from '../../shared/domain/events.ts';
import { type AgentId, attemptId, nodeId, type ShardId, testFile } from '../../shared/domain/ids.ts';

/** What an agent would report if the test `test_it` of the file had passed. */
export function forgedPass(agent: AgentId, shard: ShardId, attempt: number, file = 'test_a.py'): RunEvent {
  const at = Date.now();
  const result = {
    nodeid: nodeId(`${file}::test_it`),
    file: testFile(file),
    line: 1,
    outcome: 'passed',
    startedAt: at,
    seconds: 0.1,
    setupSeconds: 0,
    worker: 'gw0',
    isCrash: false,
    message: null,
    brief: null,
    sections: [],
  } as const;
  return { kind: 'attempt-reported', agent, attempt: attemptId(shard, attempt), shard, event: { kind: 'test-finished', at, result } };
}

/** What an agent would report at the end of that attempt. */
export const forgedEnd = (agent: AgentId, shard: ShardId, attempt: number): RunEvent => ({
  kind: 'attempt-ended',
  at: Date.now(),
  agent,
  attempt: attemptId(shard, attempt),
  shard,
  ending: { kind: 'finished' },
  seconds: 0.1,
});
