// The top of the page: what became of the run, in one line that cannot be misread, and its numbers.

import type { PageData } from '../page-data.ts';
import { type Model, statuses } from './model.ts';
import { duration, number, percent, plural } from './words.ts';

const tones: Readonly<Record<PageData['verdict'], string>> = {
  passed: 'good',
  failed: 'bad',
  'internal-error': 'bad',
  deadline: 'late',
  incomplete: 'late',
  interrupted: 'late',
  'no-tests': 'late',
  running: 'busy',
  ended: 'busy',
};

export function Summary({ model }: { readonly model: Model }) {
  const { data } = model;
  const when = new Date(data.startedAt);
  return (
    <header class={`summary ${tones[data.verdict]}`}>
      <div class="verdict">
        <h1>{data.verdict}</h1>
        <p>{sentence(data)}</p>
      </div>
      <p class="muted run">
        run <code>{data.runId}</code>, <time dateTime={when.toISOString()}>{when.toLocaleString()}</time>
        {data.exitCode !== null && `, exit code ${data.exitCode}`}
      </p>
      <OutcomeBar model={model} />
      <dl class="numbers">
        {numbers(data).map(([name, value, title]) => (
          <div key={name} title={title}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </header>
  );
}

function sentence({ verdict, totals, collectErrors, deadline, newFailures, baseline, targets }: PageData): string {
  const failed = totals.failed + totals.error;
  const missed = targets?.filter(({ met }) => !met).length ?? 0;
  const parts = [
    failed > 0 ? `${number(failed)} of ${plural(totals.expected, 'test')} failed` : '',
    collectErrors.length > 0 ? `${plural(collectErrors.length, 'file')} could not be collected` : '',
    newFailures !== null && failed > 0 ? `${number(newFailures.length)} of them new since ${baseline}` : '',
    totals.notRun > 0 ? `${number(totals.notRun)} of ${number(totals.expected)} ${verdict === 'running' ? 'to come' : 'not run'}` : '',
    totals.flaky > 0 ? `${number(totals.flaky)} flaky` : '',
    deadline !== null && !deadline.met ? 'deadline missed' : '',
    missed > 0 ? `${plural(missed, 'target')} missed` : '',
  ].filter((part) => part !== '');
  if (parts.length > 0) return parts.join(', ');
  if (verdict === 'running' || verdict === 'ended') return `${plural(totals.expected, 'test')}, none failed so far`;
  return verdict === 'no-tests' ? 'No tests were found' : `${plural(totals.expected, 'test')}, none failed`;
}

type Fact = readonly [name: string, value: string, title: string];

function numbers({ profile, finishedAt, deadline, agents, totals, shown }: PageData): readonly Fact[] {
  const workers = agents.reduce((sum, agent) => sum + agent.workers, 0);
  return [
    ['Time', duration(finishedAt), "from the command's start to its report"],
    ...(deadline === null
      ? []
      : [
          ['Deadline', `${duration(deadline.seconds * 1000)}, ${deadline.met ? 'met' : 'missed'}`, 'time budget of the whole run'] as const,
        ]),
    [
      'Tests',
      `${number(totals.expected)}${shown !== null && shown.deselected > 0 ? `, ${number(shown.deselected)} deselected` : ''}`,
      'all that were expected',
    ],
    [
      'Agents',
      workers === 0 ? number(agents.length) : `${number(agents.length)} with ${plural(workers, 'worker')}`,
      'and their xdist workers',
    ],
    ...(profile === null
      ? []
      : ([
          [
            'Speed-up',
            `${profile.speedup.toFixed(1)} ×`,
            'sum of all test times, by the time from the first shard enqueued to the last result merged',
          ],
          [
            'Efficiency',
            percent(profile.efficiency),
            `the least this work can take on these workers is ${duration(profile.boundSeconds * 1000)}`,
          ],
          ['Rating', profile.rating, 'by efficiency'],
        ] as const)),
  ];
}

function OutcomeBar({ model }: { readonly model: Model }) {
  const counts = statuses.map(() => 0);
  for (const status of model.status) counts[status] = (counts[status] ?? 0) + 1;
  const shown = statuses.map((status, place) => ({ status, count: counts[place] ?? 0 })).filter(({ count }) => count > 0);
  return (
    <div class="outcomes" role="img" aria-label={shown.map(({ status, count }) => `${count} ${status}`).join(', ')}>
      {shown.map(({ status, count }) => (
        <i key={status} class={status} style={{ flexGrow: `${count}` }} />
      ))}
    </div>
  );
}
