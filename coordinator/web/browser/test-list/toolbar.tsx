// What narrows the list: the search, the outcomes, a file and an agent.

import { useEffect, useRef } from 'preact/hooks';
import type { Model } from '../model.ts';
import type { Query } from '../query.ts';
import { AgentChoice, FileChoice } from './choices.tsx';
import { OutcomeChips } from './outcome-chips.tsx';

interface Props {
  readonly model: Model;
  readonly query: Query;
  readonly onQuery: (query: Query) => void;
}

/** Milliseconds to wait for the next keystroke before searching. */
const TYPING_MS = 60;
/** With more rows than this, a search takes long enough to wait for the next keystroke. */
const SLOW_ROWS = 2000;

export function Toolbar({ model, query, onQuery }: Props) {
  const latest = useRef(query);
  latest.current = query;
  return (
    <search>
      <SearchBox
        words={query.words}
        waitMs={model.count > SLOW_ROWS ? TYPING_MS : 0}
        // The query may have changed while the search waited.
        onSearch={(words) => onQuery({ ...latest.current, words })}
      />
      <OutcomeChips model={model} query={query} onQuery={onQuery} />
      <FileChoice model={model} chosen={query.file} onChoose={(file) => onQuery({ ...query, file })} />
      <AgentChoice model={model} chosen={query.agent} onChoose={(agent) => onQuery({ ...query, agent })} />
    </search>
  );
}

interface SearchProps {
  readonly words: string;
  readonly waitMs: number;
  readonly onSearch: (words: string) => void;
}

function SearchBox({ words, waitMs, onSearch }: SearchProps) {
  const waiting = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(waiting.current), []);
  const search = (typed: string): void => {
    clearTimeout(waiting.current);
    waiting.current = setTimeout(() => onSearch(typed), waitMs);
  };
  return (
    <input
      type="search"
      aria-label="Search tests, tracebacks and output"
      placeholder="Search names, tracebacks, output"
      spellcheck={false}
      value={words}
      onInput={(event) => search(event.currentTarget.value)}
    />
  );
}
