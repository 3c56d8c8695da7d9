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
          <table>
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
                  <td>{agent.host}</td>
                  <td>{agent.workers}</td>
                  <td>{number(agent.tests)}</td>
                  <td>{duration(agent.busySeconds * 1000)}</td>
                  <td>{duration(agent.idleSeconds * 1000)}</td>
                  <td>{agent.peakRssBytes === 0 ? '' : bytes(agent.peakRssBytes)}</td>
                  <td class={agent.ended === null || agent.ended === 'left' ? '' : 'missed'}>{endWords(agent)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
      {profile?.breakdown != null && <Phases breakdown={profile.breakdown} />}
      {profile !== null && <Times profile={profile} />}
      {targets !== null && <Targets targets={targets} />}
    </div>
  );
}

/** Empty for an agent that left when the run was over and whose workspace matches the run's. */
const endWords = ({ ended, why, differences }: ReportedAgent): string =>
  [...(why === null ? [] : [`${ended}: ${why}`]), ...differences.map((difference) => `differs: ${difference}`)].join('; ');

/** The same words as in docs/report.md. */
const meanings: Readonly<Record<Phase, string>> = {
  preparation: 'set-up and discovery',
  'start-up': 'until the first collection of a worker',
  collection: 'importing test files and finding their tests',
  execution: 'running tests',
  between: 'waiting for shards, and hooks outside of tests',
  lost: 'work done more than once, and the time of lost agents',
  imbalance: 'from the last test of a worker to the last test of the run',
  ending: 'from the last test to the end of the run',
};

function Phases({ breakdown }: { readonly breakdown: Breakdown }) {
  // If every xdist worker collects the whole suite, no shard is enqueued before collection ends.
  const isSuite = breakdown.collection.seconds === 0 && breakdown.execution.seconds > 0;
  return (
    <section class="panel" aria-labelledby="phases-title">
      <header>
        <h2 id="phases-title">Where the time went</h2>
        <p class="muted">mean of all xdist workers</p>
      </header>
      <table>
        <tbody>
          {phases.map((phase) => (
            <tr key={phase}>
              <th scope="row">{phase}</th>
              <td>{seconds(breakdown[phase].seconds)}</td>
              <td>
                <span class="share-bar" role="img" aria-label={percent(breakdown[phase].share)}>
                  <i class="part" style={{ width: `${Math.min(100, breakdown[phase].share * 100)}%` }} />
                </span>
              </td>
              <td class="muted note">{phase === 'preparation' && isSuite ? 'set-up, discovery and collection' : meanings[phase]}</td>
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
    ['Set-up', seconds(profile.setupSeconds), 'until Redis and the local agents were ready'],
    ['Discovery', seconds(profile.discoverySeconds), 'pytest listing the test files, in parallel with set-up'],
    ['Collection', seconds(profile.collectionSeconds), 'sum over all agents'],
    ['Execution', seconds(profile.executionSeconds), 'sum over all agents'],
    ['Merge', seconds(profile.mergeSeconds), 'from results to this report'],
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
      <table>
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
