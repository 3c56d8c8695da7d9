// The list of tests: searched, filtered and sorted. Each row opens for its details.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { brief, Details } from './details.tsx';
import { attemptsOf, fileOf, laneName, type Model, statuses, statusWord } from './model.ts';
import { createFinder, everything, type Order, orders, type Query } from './query.ts';
import { useVirtualRows } from './virtual-rows.ts';
import { duration, number, plural } from './words.ts';

const ROW_HEIGHT = 34;
/** Milliseconds after the page is drawn at which the search is prepared. */
const PREPARE_MS = 300;

interface Props {
  readonly model: Model;
  readonly query: Query;
  readonly onQuery: (query: Query) => void;
  readonly opened: ReadonlySet<number>;
  readonly onOpened: (opened: ReadonlySet<number>) => void;
  /** A row to scroll into view, and a number that rises with each request. */
  readonly wanted: { readonly row: number; readonly wish: number } | null;
}

export function Tests({ model, query, onQuery, opened, onOpened, wanted }: Props) {
  const finder = useMemo(() => createFinder(model), [model]);
  const rows = useMemo(() => finder.find(query), [finder, query]);
  useEffect(() => {
    // While a run grows, a prepared search would be outdated before the user searches.
    if (model.data.verdict === 'running') return;
    const timer = setTimeout(() => finder.prepare(), PREPARE_MS);
    return () => clearTimeout(timer);
  }, [finder]);
  const list = useRef<HTMLUListElement>(null);
  const bar = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const place = (): void => {
      if (list.current !== null) setTop(list.current.getBoundingClientRect().top + window.scrollY);
    };
    place();
    // The content above the list may change its height.
    const watch = new ResizeObserver(place);
    watch.observe(document.body);
    return () => watch.disconnect();
  }, []);
  const covered = (bar.current?.offsetHeight ?? 0) + 4;
  const virtual = useVirtualRows({ count: rows.length, rowHeight: ROW_HEIGHT, keyOf: (index) => rows[index] ?? -1, top, covered });
  const longestMs = useMemo(() => model.ms.reduce((longest, ms) => Math.max(longest, ms), 1), [model]);

  const toggle = (row: number): void => {
    const next = new Set(opened);
    if (!next.delete(row)) next.add(row);
    onOpened(next);
  };
  useEffect(() => {
    const index = wanted === null ? -1 : rows.indexOf(wanted.row);
    if (index >= 0) virtual.scrollToIndex(index, { align: 'start' });
  }, [wanted, rows]);
  const onKey = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const row = event.target instanceof HTMLElement ? event.target.closest<HTMLElement>('[data-index]') : null;
    if (step === 0 || row === null || !(event.target instanceof HTMLButtonElement)) return;
    event.preventDefault();
    const next = Number(row.dataset.index) + step;
    list.current?.querySelector<HTMLElement>(`[data-index="${next}"] > button`)?.focus();
  };

  return (
    <>
      <div class="toolbar" ref={bar}>
        <Toolbar model={model} query={query} onQuery={onQuery} />
        <div class="found">
          <span role="status">
            {rows.length === model.count ? number(model.count) : `${number(rows.length)} of ${number(model.count)}`} shown
          </span>
          {isNarrowed(query) && (
            <button type="button" class="link" onClick={() => onQuery({ ...everything, order: query.order })}>
              Show all
            </button>
          )}
          {opened.size > 0 && (
            <button type="button" class="link" onClick={() => onOpened(new Set())}>
              Fold all
            </button>
          )}
          <label>
            Order{' '}
            <select value={query.order} onChange={(event) => onQuery({ ...query, order: event.currentTarget.value as Order })}>
              {orders.map((order) => (
                <option key={order} value={order}>
                  {order}
                </option>
              ))}
            </select>
          </label>
        </div>
      </div>
      {rows.length === 0 && <p class="empty">No test matches.</p>}
      <ul class="rows" aria-label="Tests" ref={list} style={{ height: `${virtual.getTotalSize()}px` }} onKeyDown={onKey}>
        {virtual.getVirtualItems().map(({ key, index, start }) => {
          const row = rows[index] ?? 0;
          return (
            <li
              key={key}
              class="row"
              aria-setsize={rows.length}
              aria-posinset={index + 1}
              data-index={index}
              ref={(element: HTMLElement | null) => virtual.measureElement(element)}
              style={{ transform: `translateY(${start - top}px)` }}
            >
              <Row model={model} row={row} isOpen={opened.has(row)} longestMs={longestMs} onToggle={() => toggle(row)} />
            </li>
          );
        })}
      </ul>
    </>
  );
}

/** True if the query narrows the list. */
const isNarrowed = ({ statuses: chosen, onlyFlaky, onlyNew, words, file, agent }: Query): boolean =>
  chosen.length > 0 || onlyFlaky || onlyNew || words !== '' || file !== null || agent !== null;

interface RowProps {
  readonly model: Model;
  readonly row: number;
  readonly isOpen: boolean;
  readonly longestMs: number;
  readonly onToggle: () => void;
}

function Row({ model, row, isOpen, longestMs, onToggle }: RowProps) {
  const status = statusWord(model, row);
  const attempts = attemptsOf(model, row);
  const last = attempts.at(-1);
  const why = model.why.get(row) ?? (last === undefined ? undefined : model.attempts.text.get(last));
  const ms = model.ms[row] ?? 0;
  const name = model.name[row] ?? '';
  return (
    <>
      <button type="button" class="row-head" aria-expanded={isOpen} onClick={onToggle}>
        <span class={`word ${status}`}>{status}</span>
        <span class="what">
          <span class="name">
            <span class="path">{fileOf(model, row)}</span>
            {name !== '' && <bdi>::{name}</bdi>}
          </span>
          {why !== undefined && why !== '' && <span class="brief">{brief(why)}</span>}
        </span>
        {model.isFlaky[row] === 1 && <span class="badge">flaky, {plural(attempts.length, 'attempt')}</span>}
        {model.isNewFailure[row] === 1 && <span class="badge new">new</span>}
        <span class="where">{last === undefined ? '' : laneName(model, last)}</span>
        <span class="time">
          {last === undefined && ms > 0 ? `≈ ${duration(ms)}` : last === undefined ? '' : duration(ms)}
          <i style={{ width: `${Math.min(100, (ms / longestMs) * 100)}%` }} />
        </span>
      </button>
      {isOpen && <Details model={model} row={row} />}
    </>
  );
}

/** How many milliseconds to wait for the next keystroke before searching. */
const TYPING_MS = 60;

function Toolbar({ model, query, onQuery }: Pick<Props, 'model' | 'query' | 'onQuery'>) {
  const latest = useRef(query);
  latest.current = query;
  const waiting = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(waiting.current), []);
  const search = (words: string): void => {
    clearTimeout(waiting.current);
    waiting.current = setTimeout(() => onQuery({ ...latest.current, words }), model.count > 2000 ? TYPING_MS : 0);
  };
  const counts = useMemo(() => {
    const found = statuses.map(() => 0);
    for (const status of model.status) found[status] = (found[status] ?? 0) + 1;
    return found;
  }, [model]);
  const flaky = model.data.tests.flaky.length;
  const files = useMemo(
    () => model.data.files.map((path, file) => ({ path, file })).sort((left, right) => (left.path < right.path ? -1 : 1)),
    [model],
  );
  const agents = useMemo(() => [...new Set(model.data.lanes.map(([agent]) => agent))].sort(), [model]);
  const flip = (status: number): void =>
    onQuery({
      ...query,
      statuses: query.statuses.includes(status) ? query.statuses.filter((each) => each !== status) : [...query.statuses, status],
    });
  return (
    <search>
      <input
        type="search"
        aria-label="Search tests, tracebacks and output"
        placeholder="Search names, tracebacks, output"
        spellcheck={false}
        value={query.words}
        onInput={(event) => search(event.currentTarget.value)}
      />
      <fieldset class="chips" aria-label="Outcome">
        {statuses.map(
          (status, place) =>
            (counts[place] ?? 0) > 0 && (
              <button
                key={status}
                type="button"
                class={`chip ${status}`}
                aria-pressed={query.statuses.includes(place)}
                onClick={() => flip(place)}
              >
                {status} <b>{number(counts[place] ?? 0)}</b>
              </button>
            ),
        )}
        {flaky > 0 && (
          <button
            type="button"
            class="chip flaky"
            aria-pressed={query.onlyFlaky}
            onClick={() => onQuery({ ...query, onlyFlaky: !query.onlyFlaky })}
          >
            flaky <b>{number(flaky)}</b>
          </button>
        )}
        {model.data.newFailures !== null && model.data.newFailures.length > 0 && (
          <button
            type="button"
            class="chip failed"
            aria-pressed={query.onlyNew}
            onClick={() => onQuery({ ...query, onlyNew: !query.onlyNew })}
          >
            new failures <b>{number(model.data.newFailures.length)}</b>
          </button>
        )}
      </fieldset>
      <FileChoice files={files} chosen={query.file} onChoose={(file) => onQuery({ ...query, file })} />
      {agents.length > 1 && (
        <select
          aria-label="Agent"
          value={query.agent ?? ''}
          onChange={(event) => onQuery({ ...query, agent: event.currentTarget.value || null })}
        >
          <option value="">All agents</option>
          {agents.map((agent) => (
            <option key={agent} value={agent}>
              {agent}
            </option>
          ))}
        </select>
      )}
    </search>
  );
}

interface FileChoiceProps {
  readonly files: readonly { readonly path: string; readonly file: number }[];
  readonly chosen: number | null;
  readonly onChoose: (file: number | null) => void;
}

/** Adds the options, which may be thousands, when the user opens the list and not when the page opens. */
function FileChoice({ files, chosen, onChoose }: FileChoiceProps) {
  const [isFilled, setFilled] = useState(false);
  const fill = (): void => setFilled(true);
  const shown = isFilled ? files : files.filter(({ file }) => file === chosen);
  return (
    <select
      aria-label="File"
      class="file-choice"
      value={chosen ?? ''}
      onPointerEnter={fill}
      onFocus={fill}
      onChange={(event) => onChoose(event.currentTarget.value === '' ? null : Number(event.currentTarget.value))}
    >
      <option value="">All files</option>
      {shown.map(({ path, file }) => (
        <option key={file} value={file}>
          {path}
        </option>
      ))}
    </select>
  );
}
