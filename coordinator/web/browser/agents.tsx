// Shows the agents that ran the tests, and where the run's own time went.

import { type Breakdown, type JudgedTarget, type Phase, type Profile, phases, type ReportedAgent } from '../../../shared/domain/report.ts';
import type { Model } from './model.ts';
import { bytes, duration, number, percent } from './words.ts';

export function Agents({ model }: { readonly model: Model }) {
  const { agents, profile, targets } = model.data;
  return (
    <div class="columns">
      <section class="panel" aria-labelledby="agents-title">
        <header>
          <h2 id="agents-title">Agents</h2>
        </header>
        <div class="scroll">
          <table class="agents">
            <thead>
              <tr>
                <th scope="col">Agent</th>
                <th scope="col">Host</th>
                <th scope="col">Workers</th>
                <th scope="col">Tests</th>
                <th scope="col">Busy</th>
                <th scope="col">Idle</th>
                <th scope="col">Peak memory</th>
                <th scope="col">Ended</th>
              </tr>
            </thead>
            <tbody>
              {agents.map((agent) => (
                <tr key={agent.id}>
                  <th scope="row">{agent.id}</th>
                  <td data-label="Host">{agent.host}</td>
                  <td data-label="Workers">{agent.workers}</td>
                  <td data-label="Tests">{number(agent.tests)}</td>
                  <td data-label="Busy">{duration(agent.busySeconds * 1000)}</td>
                  <td data-label="Idle">{duration(agent.idleSeconds * 1000)}</td>
                  <td data-label="Peak memory">{agent.peakRssBytes === 0 ? '' : bytes(agent.peakRssBytes)}</td>
                  <td data-label="Ended" class={agent.ended === null || agent.ended === 'left' ? '' : 'missed'}>
                    {endWords(agent)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
      {profile?.breakdown != null && <Phases breakdown={profile.breakdown} totalSeconds={model.data.finishedAt / 1000} />}
      {profile !== null && <Times profile={profile} />}
      {targets !== null && <Targets targets={targets} />}
    </div>
  );
}

/** Empty for an agent that left when the run was over and whose workspace matches the run's. The reason of a refusal names the differences. */
function endWords({ ended, why, differences }: ReportedAgent): string {
  const others = ended === 'refused' && why !== null ? [] : differences.map((difference) => `differs: ${difference}`);
  return [...(why === null ? [] : [`${ended}: ${why}`]), ...others].join('; ');
}

/** The same words as in docs/report.md. */
const meanings: Readonly<Record<Phase, string>> = {
  preparation: 'set-up and discovery',
  'start-up': 'until the first collection of a worker',
  collection: 'importing test files and finding their tests',
  execution: 'running tests',
  between: 'waiting for shards, and hooks outside of tests',
  lost: 'work done more than once, and the time of lost agents',
  imbalance: 'from the last test of a worker to the last test of the run',
  ending: 'from the last test until all results were in',
};

function Phases({ breakdown, totalSeconds }: { readonly breakdown: Breakdown; readonly totalSeconds: number }) {
  // If every xdist worker collects the whole suite, no shard is enqueued before collection ends.
  const isSuite = breakdown.collection.seconds === 0 && breakdown.execution.seconds > 0;
  const rows = phases.map((phase) => ({
    name: phase as string,
    spent: breakdown[phase].seconds,
    meaning: phase === 'preparation' && isSuite ? 'set-up, discovery and collection' : meanings[phase],
  }));
  const spent = rows.reduce((sum, row) => sum + row.spent, 0);
  const all = [
    ...rows,
    { name: 'reports', spent: Math.max(0, totalSeconds - spent), meaning: 'closing pytest, merging results and writing the reports' },
  ];
  return (
    <section class="panel" aria-labelledby="phases-title">
      <header>
        <h2 id="phases-title">Where the time went</h2>
        <p class="muted">mean of all xdist workers</p>
      </header>
      <table class="measures">
        <tbody>
          {all.map(({ name, spent, meaning }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{seconds(spent)}</td>
              <td class="bar">
                <span class="share-bar" role="img" aria-label={percent(spent / totalSeconds)}>
                  <i class="part" style={{ width: `${Math.min(100, (100 * spent) / totalSeconds)}%` }} />
                </span>
              </td>
              <td class="muted note">{meaning}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Targets({ targets }: { readonly targets: readonly JudgedTarget[] }) {
  return (
    <section class="panel" aria-labelledby="targets-title">
      <header>
        <h2 id="targets-title">Targets</h2>
      </header>
      <table>
        <tbody>
          {targets.map(({ target, met }) => (
            <tr key={target}>
              <th scope="row">{target}</th>
              <td class={met ? 'met' : 'missed'}>{met ? 'met' : 'missed'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Times({ profile }: { readonly profile: Profile }) {
  const rows: readonly (readonly [name: string, value: string, title: string])[] = [
    ['Set-up', seconds(profile.setupSeconds), 'starting Redis and local agents'],
    ['Discovery', seconds(profile.discoverySeconds), 'pytest listing the test files, in parallel with set-up'],
    ['Collection', seconds(profile.collectionSeconds), 'sum over all agents'],
    ['Execution', seconds(profile.executionSeconds), 'sum over all agents'],
    ['Merge', seconds(profile.mergeSeconds), 'merging results and writing the reports'],
    [
      'First test after',
      profile.timeToFirstTestSeconds === null ? '' : seconds(profile.timeToFirstTestSeconds),
      'from the start of the command',
    ],
    ['Makespan', seconds(profile.makespanSeconds), 'first queued shard to last merged result'],
    ['Bound', seconds(profile.boundSeconds), 'minimum for this work on these workers'],
    ['Serial time', seconds(profile.sequentialSeconds), 'collection and tests, one after another'],
    ['CPU', profile.cpuUtilization === null ? '' : percent(profile.cpuUtilization), 'share of the processor time of all agents'],
  ];
  return (
    <section class="panel" aria-labelledby="times-title">
      <header>
        <h2 id="times-title">Measures</h2>
      </header>
      <table class="measures">
        <tbody>
          {rows
            .filter(([, value]) => value !== '')
            .map(([name, value, title]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{value}</td>
                <td class="muted note">{title}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </section>
  );
}

const seconds = (value: number): string => duration(value * 1000);
