// Only the rows near the window are elements, so a list of 100,000 opens as fast as a list of ten. TanStack Virtual decides which rows
// those are.

import { observeWindowOffset, observeWindowRect, Virtualizer, windowScroll } from '@tanstack/virtual-core';
import { useLayoutEffect, useReducer, useState } from 'preact/hooks';

interface Options {
  readonly count: number;
  readonly rowHeight: number;
  /** A stable key for a row, so that its height is remembered wherever the row moves. */
  readonly keyOf: (index: number) => number;
  /** Where the list begins in the page, and how much of the window's top is covered, in pixels. */
  readonly top: number;
  readonly covered: number;
}

/** Returns the virtualizer of a list that scrolls with the window. Each change of the virtualizer renders the component again. */
export function useVirtualRows({ count, rowHeight, keyOf, top, covered }: Options): Virtualizer<Window, HTMLElement> {
  const [, render] = useReducer((renders: number, _: null) => renders + 1, 0);
  const options = {
    count,
    estimateSize: () => rowHeight,
    getItemKey: keyOf,
    scrollMargin: top,
    scrollPaddingStart: covered,
    overscan: 12,
    getScrollElement: () => window,
    observeElementRect: observeWindowRect,
    observeElementOffset: observeWindowOffset,
    scrollToFn: windowScroll,
    initialOffset: () => window.scrollY,
    onChange: () => render(null),
  };
  const [virtualizer] = useState(() => new Virtualizer<Window, HTMLElement>(options));
  virtualizer.setOptions(options);
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  return virtualizer;
}
