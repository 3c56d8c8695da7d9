// Shows the agents of the pool, and what each of them does now.

import type { AgentLine, PoolAgents } from '../../live-messages.ts';
import { bytes, number, plural } from '../words.ts';

export function Pool({ pool: shown, isOld }: { readonly pool: PoolAgents; readonly isOld: boolean }) {
  const { pool, busy, waiting, draining, agents } = shown;
  const all = busy + waiting + draining;
  return (
    <details class="panel fleet" open>
      <summary class="fleet-title">
        <h2>Pool {pool}</h2> <span class="muted">{countWords(shown)}</span>{' '}
        {isOld && <span class="missed">Redis does not answer. These agents may be gone.</span>}
      </summary>
      {all === 0 ? (
        <p class="hint">
          No agents wait in this pool. Start one with <code>shardline agent --redis URL{pool === 'default' ? '' : ` --pool ${pool}`}</code>.
        </p>
      ) : (
        <div class="scroll">
          <table class="agents">
            <thead>
              <tr>
                <th scope="col">Agent</th>
                <th scope="col">State</th>
                <th scope="col" class="words">
                  Runs
                </th>
                <th scope="col" class="words">
                  Host
                </th>
                <th scope="col">Workers</th>
                <th scope="col">Cores</th>
                <th scope="col">Memory</th>
                <th scope="col" class="words">
                  Labels
                </th>
                <th scope="col" class="words">
                  Version
                </th>
                <th scope="col" class="words">
                  Commit
                </th>
              </tr>
            </thead>
            <tbody>
              {agents.map((agent) => (
                <Row key={agent.id} {...agent} />
              ))}
            </tbody>
          </table>
          {all > agents.length && (
            <p class="hint">
              … and {number(all - agents.length)} more. <code>shardline status</code> lists all of them.
            </p>
          )}
        </div>
      )}
    </details>
  );
}

function Row({ id, state, runs, moreRuns, facts }: AgentLine) {
  const leaves = facts?.leavesWithinSeconds ?? null;
  return (
    <tr>
      <th scope="row">
        <bdi>{id}</bdi>
      </th>
      <td class={`words state ${state}`}>
        {state}
        {leaves !== null && `, leaves within ${number(leaves)} s`}
      </td>
      <td data-label="Runs" class="words">
        {runs.map(({ runId, shards }) => `${runId} (${shards === 0 ? 'idle' : plural(shards, 'shard')})`).join(', ')}
        {moreRuns > 0 && ` and ${number(moreRuns)} more`}
      </td>
      <td data-label="Host" class="words">
        {facts === null ? <span class="muted">written by another version of shardline</span> : <bdi>{facts.host}</bdi>}
      </td>
      <td data-label="Workers">{facts === null || facts.workers === 0 ? '' : number(facts.workers)}</td>
      <td data-label="Cores">{facts === null ? '' : Number(facts.cpus.toFixed(1))}</td>
      <td data-label="Memory">{facts === null ? '' : bytes(facts.memoryBytes)}</td>
      <td data-label="Labels" class="words">
        {facts?.labels.length ? <bdi>{facts.labels.join(', ')}</bdi> : null}
        {facts !== null && facts.moreLabels > 0 && ` and ${number(facts.moreLabels)} more`}
      </td>
      <td data-label="Version" class="words">
        {facts?.version ?? ''}
      </td>
      <td data-label="Commit" class="words">
        {facts === null || facts.commit === null ? '' : <code>{facts.commit}</code>}
      </td>
    </tr>
  );
}

/** `3 agents: 1 busy, 2 waiting`. */
function countWords({ busy, waiting, draining }: PoolAgents): string {
  const parts = [
    [busy, 'busy'],
    [waiting, 'waiting'],
    [draining, 'draining'],
  ] as const;
  const words = parts.filter(([count]) => count > 0).map(([count, word]) => `${number(count)} ${word}`);
  return `${plural(busy + waiting + draining, 'agent')}${words.length === 0 ? '' : `: ${words.join(', ')}`}`;
}
