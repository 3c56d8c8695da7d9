// The top of the page: the result of the run in one unambiguous line, and its numbers.

import { isMerged } from '../../../shared/domain/report.ts';
import type { PageData } from '../page-data.ts';
import { type Model, statuses } from './model.ts';
import { duration, least, number, percent, plural } from './words.ts';

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

/** Headings for verdicts whose own name does not fit. */
const headings: Readonly<Partial<Record<PageData['verdict'], string>>> = {
  deadline: 'deadline missed',
  'no-tests': 'no tests',
  'internal-error': 'internal error',
};

export const headingOf = (verdict: PageData['verdict']): string => headings[verdict] ?? verdict;

/** Shorter runs get no rating, because startup dominates their time. */
const LEAST_RATED_SECONDS = 10;

export function Summary({ model }: { readonly model: Model }) {
  const { data } = model;
  const when = new Date(data.startedAt);
  return (
    <header class={`summary ${tones[data.verdict]}`}>
      <div class="verdict">
        <h1>{headingOf(data.verdict)}</h1>
        <p>{sentence(data)}</p>
      </div>
      <p class="muted run">
        run <code>{data.runId}</code>, <time dateTime={when.toISOString()}>{when.toLocaleString()}</time>
        {data.exitCode !== null && `, exit code ${data.exitCode}`}
        {data.about.length > 0 && <span class="about">{data.about.join(' · ')}</span>}
        {data.command !== '' && <code class="about">{data.command}</code>}
        {data.job !== null && (
          <a class="about" href={data.job} rel="noreferrer">
            the CI job
          </a>
        )}
      </p>
      {data.next.length > 0 && (
        <ul class="next" aria-label="What to do next">
          {data.next.map((step) => (
            <li key={step}>{withCode(step)}</li>
          ))}
        </ul>
      )}
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

/** Texts in backquotes become code. */
const withCode = (step: string) => step.split('`').map((part, index) => (index % 2 === 0 ? part : <code key={part}>{part}</code>));

/** An error that names a test is a teardown error: the teardown failed after the test's result was out. */
const isAfterTest = ({ tests }: PageData, [file, , name]: PageData['collectErrors'][number]): boolean =>
  name !== '' && tests.name.some((each, row) => each === name && tests.file[row] === file);

function sentence(data: PageData): string {
  const { verdict, totals, collectErrors, sessionErrors, deadline, newFailures, baseline, targets, agents, partProblems } = data;
  const late = collectErrors.filter((error) => isAfterTest(data, error)).length;
  const uncollected = collectErrors.length - sessionErrors - late;
  const endedAs = (how: string): string => {
    const count = agents.filter(({ ended }) => ended === how).length;
    return count === 0 ? '' : `${plural(count, 'agent')} ${how === 'not-started' ? 'did not start' : how}`;
  };
  const failed = totals.failed + totals.error;
  const missed = targets?.filter(({ met }) => !met).length ?? 0;
  const parts = [
    failed > 0 ? `${number(failed)} of ${plural(totals.expected, 'test')} failed` : '',
    uncollected > 0 ? `${plural(uncollected, 'file')} could not be collected` : '',
    late > 0 ? `${plural(late, 'teardown')} failed after its test` : '',
    sessionErrors > 0 ? `${plural(sessionErrors, 'pytest session')} failed after its tests` : '',
    newFailures !== null && failed > 0 ? `${number(newFailures.length)} of them new since ${baseline}` : '',
    totals.notRun > 0
      ? `${least(totals.notRun, totals.notRunIsLeast)} of ${number(totals.expected)} ${verdict === 'running' ? 'still to run' : 'not run'}`
      : '',
    totals.flaky > 0 ? `${number(totals.flaky)} flaky` : '',
    deadline !== null && isMissed(data) ? 'deadline missed' : '',
    missed > 0 ? `${plural(missed, 'target')} missed` : '',
    ...partProblems,
    ...['lost', 'quarantined', 'not-started'].map(endedAs),
  ].filter((part) => part !== '');
  if (parts.length > 0) return parts.join(', ');
  if (verdict === 'running' || verdict === 'ended') return `${plural(totals.expected, 'test')}, none failed so far`;
  return verdict === 'no-tests' ? 'No tests were found' : `${plural(totals.expected, 'test')}, none failed`;
}

/** A run that ended early for another reason has neither met nor missed its deadline. */
const isMissed = ({ notRun, deadline, finishedAt }: PageData): boolean =>
  deadline !== null && !deadline.met && (notRun.some(([, , why]) => why.startsWith('deadline')) || finishedAt > deadline.atMs);

function deadlineWords(data: PageData, seconds: number): string {
  const budget = duration(seconds * 1000);
  if (isMissed(data)) return `${budget}, missed`;
  return data.totals.notRun === 0 && data.deadline?.met === true ? `${budget}, met` : budget;
}

type Fact = readonly [name: string, value: string, title: string];

function numbers(data: PageData): readonly Fact[] {
  const { profile, finishedAt, deadline, agents, totals, shown } = data;
  const workers = agents.reduce((sum, agent) => sum + agent.workers, 0);
  const deselected = shown !== null && shown.deselected > 0 ? `, ${number(shown.deselected)} deselected` : '';
  return [
    isMerged(data)
      ? ['Time', `${duration(finishedAt)}, first start to last end`, 'from the start of the first merged run to the end of the last']
      : ['Time', duration(finishedAt), 'from the start of the command to its report'],
    ...(deadline === null ? [] : [['Deadline', deadlineWords(data, deadline.seconds), 'time budget of the whole run'] as const]),
    ['Tests', `${least(totals.expected, totals.notRunIsLeast)}${deselected}`, 'expected tests, run or not'],
    [
      'Agents',
      workers === 0 ? number(agents.length) : `${number(agents.length)} with ${plural(workers, 'worker')}`,
      'and their xdist workers',
    ],
    ...(profile === null || isMerged(data)
      ? []
      : ([
          [
            'Speed-up',
            `${profile.speedup.toFixed(1)} ×`,
            'sum of all test times divided by the time from the first queued shard to the last merged result',
          ],
          ['Efficiency', percent(profile.efficiency), `these workers need at least ${duration(profile.boundSeconds * 1000)}`],
          ...(data.verdict !== 'passed' || totals.notRun > 0 || profile.makespanSeconds < LEAST_RATED_SECONDS
            ? []
            : [['Rating', profile.rating, 'by efficiency'] as const]),
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
