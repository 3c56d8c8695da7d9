// The list of tests: searched, filtered and sorted. Each row opens for its details.

import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Model } from '../model.ts';
import { createFinder, type Finder, isNarrowed, type Query } from '../query.ts';
import { Found } from './found.tsx';
import { TestRows, type Wanted } from './test-rows.tsx';
import { Toolbar } from './toolbar.tsx';

/** Milliseconds after the page is drawn at which the search is prepared. */
const PREPARE_MS = 300;

interface Props {
  readonly model: Model;
  readonly query: Query;
  readonly onQuery: (query: Query) => void;
  readonly opened: ReadonlySet<number>;
  readonly onOpened: (opened: ReadonlySet<number>) => void;
  readonly wanted: Wanted | null;
}

export function Tests({ model, query, onQuery, opened, onOpened, wanted }: Props) {
  const finder = useFinder(model);
  const rows = useMemo(() => finder.find(query), [finder, query]);
  const bar = useRef<HTMLDivElement>(null);
  const toggle = (row: number): void => {
    const next = new Set(opened);
    if (!next.delete(row)) next.add(row);
    onOpened(next);
  };
  return (
    <>
      <div class="toolbar" ref={bar}>
        <Toolbar model={model} query={query} onQuery={onQuery} />
        <Found
          shown={rows.length}
          all={model.count}
          hasFiles={model.data.notRun.length < model.data.totals.notRun && model.data.notRun.length > 0}
          query={query}
          onQuery={onQuery}
          hasOpened={opened.size > 0}
          onFold={() => onOpened(new Set())}
        />
      </div>
      {rows.length === 0 && <p class="empty">{isNarrowed(query) ? 'No test matches.' : nothingElse(model)}</p>}
      <TestRows model={model} rows={rows} opened={opened} onToggle={toggle} wanted={wanted} bar={bar} />
    </>
  );
}

function nothingElse({ count, data }: Model): string {
  if (count === 0) return 'No tests.';
  return data.verdict === 'passed' && data.totals.notRun === 0 ? 'Every test passed.' : 'Every test that ran passed.';
}

function useFinder(model: Model): Finder {
  const finder = useMemo(() => createFinder(model), [model]);
  useEffect(() => {
    // While a run grows, a prepared search would be outdated before the user searches.
    if (model.data.verdict === 'running') return;
    const timer = setTimeout(() => finder.prepare(), PREPARE_MS);
    return () => clearTimeout(timer);
  }, [finder]);
  return finder;
}
