// The page: the verdict, the timeline, and below it one of several views.

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Agents } from './agents.tsx';
import { Failures } from './failures.tsx';
import { type Model, rowAt } from './model.ts';
import { everything, firstQuery, type Query } from './query.ts';
import { Shown } from './shown.tsx';
import { Slowest } from './slowest.tsx';
import { Summary } from './summary.tsx';
import { Tests } from './test-list/tests.tsx';
import { TimelinePanel } from './timeline/timeline-panel.tsx';

const SHOWN = 'Warnings and output';
const everyView = ['Tests', 'Slowest', 'Agents and time', SHOWN] as const;
type View = (typeof everyView)[number];

interface Props {
  readonly model: Model;
  /** Shown below the verdict. */
  readonly beside?: ComponentChildren;
}

export function App({ model, beside }: Props) {
  const [view, setView] = useState<View>('Tests');
  const [query, setQuery] = useState<Query>(() => firstQuery(model));
  const [opened, setOpened] = useState<ReadonlySet<number>>(() => new Set());
  const [wanted, setWanted] = useState<{ row: number; wish: number } | null>(null);
  const { shown } = model.data;
  const views = everyView.filter((name) => name !== SHOWN || (shown !== null && shown.warnings.length + shown.sessions.length > 0));
  const open = (row: number): void => {
    setView('Tests');
    setQuery({ ...everything, order: query.order });
    setOpened(new Set([...opened, row]));
    setWanted({ row, wish: (wanted?.wish ?? 0) + 1 });
  };
  const showFile = (file: number): void => {
    setView('Tests');
    setQuery({ ...everything, order: 'slowest first', file });
  };
  useAddress(model, open);
  const onTabKey = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    const next = views[(views.indexOf(view) + step + views.length) % views.length];
    if (step === 0 || next === undefined) return;
    setView(next);
    document.getElementById(tabId(next))?.focus();
  };
  return (
    <>
      <Summary model={model} />
      {beside}
      <Failures model={model} />
      <TimelinePanel model={model} onOpen={open} />
      <div class="tabs" role="tablist" aria-label="Views" onKeyDown={onTabKey}>
        {views.map((name) => (
          <button
            key={name}
            id={tabId(name)}
            type="button"
            role="tab"
            aria-selected={name === view}
            aria-controls="view"
            tabIndex={name === view ? 0 : -1}
            onClick={() => setView(name)}
          >
            {name}
          </button>
        ))}
      </div>
      <main>
        <div id="view" role="tabpanel" aria-labelledby={tabId(view)}>
          {view === 'Tests' && (
            <Tests model={model} query={query} onQuery={setQuery} opened={opened} onOpened={setOpened} wanted={wanted} />
          )}
          {view === 'Slowest' && <Slowest model={model} onOpen={open} onFile={showFile} />}
          {view === 'Agents and time' && <Agents model={model} />}
          {view === SHOWN && <Shown model={model} />}
        </div>
      </main>
    </>
  );
}

/** Goes to the test that the address names. One that is not among the open failures opens in the list. */
function useAddress(model: Model, open: (row: number) => void): void {
  useEffect(() => {
    const follow = (): void => {
      const anchor = window.location.hash.slice(1);
      const row = anchor === '' || document.getElementById(anchor) !== null ? null : rowAt(model, anchor);
      if (row !== null) open(row);
      else if (anchor !== '') document.getElementById(anchor)?.scrollIntoView();
    };
    follow();
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }, []);
}

const tabId = (view: View): string => `tab-${everyView.indexOf(view)}`;
