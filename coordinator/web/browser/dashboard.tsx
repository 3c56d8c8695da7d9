// The dashboard's entry point. It receives live runs from the server and draws them with the report's own components.

import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { LiveHead, LiveMessage, PoolAgents, RunLine } from '../live-messages.ts';
import type { Columns } from '../page-data.ts';
import { App } from './app.tsx';
import { Pool } from './fleet/pool.tsx';
import { joinColumns, liveModel } from './live-model.ts';
import { agentName, type Model } from './model.ts';
import { headingOf } from './summary.tsx';
import { duration, number, plural } from './words.ts';

/**
 * Limits how often the page redraws: the shortest time between two drawings in milliseconds, and the least pause after a drawing as a
 * multiple of its duration.
 */
const DRAW = { leastMs: 400, rest: 4 } as const;

interface Shown {
  readonly head: LiveHead;
  readonly model: Model;
}

interface ShownPool {
  readonly pool: PoolAgents;
  readonly isOld: boolean;
}

function Dashboard() {
  const [runs, setRuns] = useState<readonly RunLine[]>([]);
  const [chosen, setChosen] = useState<string | null>(null);
  const [shown, setShown] = useState<Shown | null>(null);
  const [pool, setPool] = useState<ShownPool | null>(null);
  const [isConnected, setConnected] = useState(false);
  useEffect(() => listen(chosen, { setPool, setRuns, setShown, setConnected }), [chosen]);
  useEffect(() => {
    document.title = titleOf(shown?.head ?? null);
  }, [shown]);
  return (
    <>
      <nav class="runs" aria-label="Runs">
        <strong>shardline</strong>
        <span class={isConnected ? 'muted' : 'missed'} role="status">
          {isConnected ? 'live' : 'disconnected, reconnecting…'}
        </span>
        {runs.length > 0 && (
          <select aria-label="Run" value={chosen ?? ''} onChange={(event) => setChosen(event.currentTarget.value || null)}>
            <option value="">newest run</option>
            {runs.map(({ runId, verdict, tests, failures }) => (
              <option key={runId} value={runId}>
                {runId}: {headingOf(verdict)}, {plural(tests, 'test')}
                {failures > 0 && `, ${number(failures)} failed`}
              </option>
            ))}
          </select>
        )}
      </nav>
      {pool !== null && <Pool {...pool} />}
      {shown === null ? (
        <p class="empty">No run yet. Runs of this pool appear here.</p>
      ) : (
        <App key={shown.head.runId} model={shown.model} beside={<Now {...shown} />} />
      )}
    </>
  );
}

/** The state of the run, for a tab that is not in front: `2 failed, 40 % - shardline`, `2 failed, deadline missed - shardline`. */
function titleOf(head: LiveHead | null): string {
  if (head === null) return 'shardline';
  const { expected, notRun, failed, error } = head.totals;
  const failures = failed + error > 0 ? `${number(failed + error)} failed, ` : '';
  const done = Math.floor((100 * (expected - notRun)) / Math.max(1, expected));
  // "1 failed, failed" would say it twice.
  if (head.verdict === 'failed' && failures !== '') return `${number(failed + error)} failed - shardline`;
  return `${failures}${head.verdict === 'running' ? `${done} %` : headingOf(head.verdict)} - shardline`;
}

/** Names the report of a run that has ended. */
function Ended({ head: { job, report } }: { readonly head: LiveHead }) {
  return (
    <p class="hint">
      {job !== null && (
        <>
          <a href={job} rel="noreferrer">
            The CI job
          </a>{' '}
          has the report.{' '}
        </>
      )}
      {report !== null && (
        <>
          Report: <code>{report}</code>
        </>
      )}
      {job === null && report === null && 'This run has ended. Its report.html has the verdict and the tests that did not run.'}
    </p>
  );
}

/** `, 40 of 81 files, done in about 20 s`; empty without a note of the progress. */
function progressWords({ progress, finishedAt }: LiveHead): string {
  if (progress === null) return '';
  const left = progress.endsAt === null ? null : progress.endsAt - finishedAt;
  const end = left === null ? '' : left < 1000 ? ', later than expected' : `, done in about ${duration(left)}`;
  return `, ${number(progress.filesDone)} of ${plural(progress.files, 'file')}${end}`;
}

/** How far the run is, and the current test of each xdist worker. */
function Now({ head, model }: Shown) {
  if (head.verdict !== 'running') return <Ended head={head} />;
  const { expected, notRun } = head.totals;
  const running = [...head.running].sort((left, right) => left.startedAt - right.startedAt).slice(0, SHOWN);
  return (
    <section class="panel" aria-labelledby="now-title">
      <header>
        <h2 id="now-title">Running now</h2>
        <p class="muted">
          {number(expected - notRun)} of {number(expected)} tests done so far
          {progressWords(head)}
        </p>
        <progress aria-label="Tests done" max={Math.max(1, expected)} value={expected - notRun} />
      </header>
      <ol class="ranking">
        {running.map(({ lane, nodeid, startedAt }) => (
          <li key={lane} class="running">
            <bdi class="name">{nodeid}</bdi>
            <span class="muted">{laneWords(model, lane)}</span>
            <span class="time">{duration(Math.max(0, head.finishedAt - startedAt))}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function laneWords(model: Model, lane: number): string {
  const [agent = '', worker = ''] = model.data.lanes[lane] ?? [];
  return `${agentName(model, agent)} ${worker}`;
}

/** Maximum number of running tests shown, the longest-running first. */
const SHOWN = 12;

type Setter<Value> = (value: Value) => void;

interface Setters {
  readonly setPool: Setter<ShownPool>;
  readonly setRuns: Setter<readonly RunLine[]>;
  readonly setShown: Setter<Shown>;
  readonly setConnected: Setter<boolean>;
}

/**
 * Listens until the caller calls the returned function. Messages that arrive faster than the page can draw are joined and drawn together.
 */
function listen(chosen: string | null, { setPool, setRuns, setShown, setConnected }: Setters): () => void {
  const query = new URLSearchParams(location.search);
  if (chosen !== null) query.set('run', chosen);
  const source = new EventSource(`events?${query}`);
  let columns: Columns | null = null;
  let waiting: Columns[] = [];
  let head: LiveHead | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let restMs = 0;
  const draw = (): void => {
    timer = undefined;
    const startedAt = performance.now();
    columns = waiting.reduce<Columns | null>((joined, more) => (joined === null ? more : joinColumns(joined, more)), columns);
    waiting = [];
    if (head !== null && columns !== null) setShown({ head, model: liveModel(head, columns) });
    restMs = Math.max(DRAW.leastMs, DRAW.rest * (performance.now() - startedAt));
  };
  const receive = (message: LiveMessage): void => {
    if (message.kind === 'pool') {
      setPool(message);
      return;
    }
    if (message.kind === 'runs') {
      setRuns(message.runs);
      return;
    }
    if (message.kind === 'begin') {
      columns = null;
      waiting = [];
      restMs = 0;
    }
    head = message.head;
    waiting.push(message.columns);
    timer ??= setTimeout(draw, restMs);
  };
  source.onopen = () => setConnected(true);
  source.onerror = () => setConnected(false);
  source.onmessage = (event: MessageEvent<string>) => receive(JSON.parse(event.data) as LiveMessage);
  return () => {
    source.close();
    clearTimeout(timer);
  };
}

const place = document.getElementById('page');
if (place === null) throw new Error('this page has no place to draw in');
render(<Dashboard />, place);
