// Only the rows near the window are elements: a list of 100,000 opens as fast as one of ten. TanStack Virtual owns which those are.

import { observeWindowOffset, observeWindowRect, Virtualizer, windowScroll } from '@tanstack/virtual-core';
import { useLayoutEffect, useReducer, useState } from 'preact/hooks';

interface Options {
  readonly count: number;
  readonly rowHeight: number;
  /** What a row is about: its height is remembered by it, whatever place it moves to. */
  readonly keyOf: (index: number) => number;
  /** Where the list begins in the page, and how much of the window's top something else covers, in pixels. */
  readonly top: number;
  readonly covered: number;
}

/** The virtualizer of a list that scrolls with the window; whatever it finds out renders its component again. */
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
