// The rows of the list that are near the window. The arrow keys go from row to row.

import type { RefObject, TargetedKeyboardEvent } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Model } from '../model.ts';
import { TestRow } from './test-row.tsx';
import { useVirtualRows } from './virtual-rows.ts';

const ROW_HEIGHT = 34;
/** Pixels between the toolbar and a row that was scrolled to. */
const GAP = 4;

interface Props {
  readonly model: Model;
  readonly rows: Int32Array;
  readonly opened: ReadonlySet<number>;
  readonly onToggle: (row: number) => void;
  readonly wanted: Wanted | null;
  /** What covers the window's top while the list scrolls. */
  readonly bar: RefObject<HTMLElement | null>;
}

/** A row to scroll into view, and a number that rises with each request. */
export interface Wanted {
  readonly row: number;
  readonly wish: number;
}

export function TestRows({ model, rows, opened, onToggle, wanted, bar }: Props) {
  const list = useRef<HTMLUListElement>(null);
  const top = useTopInPage(list);
  const covered = (bar.current?.offsetHeight ?? 0) + GAP;
  const virtual = useVirtualRows({ count: rows.length, rowHeight: ROW_HEIGHT, keyOf: (index) => rows[index] ?? -1, top, covered });
  const longestMs = useMemo(() => model.ms.reduce((longest, ms) => Math.max(longest, ms), 1), [model]);
  useEffect(() => {
    const index = wanted === null ? -1 : rows.indexOf(wanted.row);
    if (index >= 0) virtual.scrollToIndex(index, { align: 'start' });
  }, [wanted, rows]);
  return (
    <ul class="rows" aria-label="Tests" ref={list} style={{ height: `${virtual.getTotalSize()}px` }} onKeyDown={goToNeighbor}>
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
            <TestRow model={model} row={row} isOpen={opened.has(row)} longestMs={longestMs} onToggle={() => onToggle(row)} />
          </li>
        );
      })}
    </ul>
  );
}

/** Where the element begins in the page, in pixels. */
function useTopInPage(element: RefObject<HTMLElement | null>): number {
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const place = (): void => {
      if (element.current !== null) setTop(element.current.getBoundingClientRect().top + window.scrollY);
    };
    place();
    // The content above the list may change its height.
    const watch = new ResizeObserver(place);
    watch.observe(document.body);
    return () => watch.disconnect();
  }, []);
  return top;
}

/** Moves the focus from one row's button to the row above or below. */
function goToNeighbor(event: TargetedKeyboardEvent<HTMLUListElement>): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  const row = event.target instanceof HTMLElement ? event.target.closest<HTMLElement>('[data-index]') : null;
  if (step === 0 || row === null || !(event.target instanceof HTMLButtonElement)) return;
  event.preventDefault();
  const next = Number(row.dataset.index) + step;
  event.currentTarget.querySelector<HTMLElement>(`[data-index="${next}"] > button`)?.focus();
}
