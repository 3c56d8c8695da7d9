// Connects a timeline to the page's events: pointer, wheel, keys, the window's size and its color scheme. d3-zoom listens for itself.

import { act, barUnder, type Chart, measure, open, point } from './chart.ts';
import { actOf } from './keys.ts';
import { cursorOf } from './selection.ts';

/** Listens until the returned function is called. */
export function listen(chart: Chart): () => void {
  const { elements, painter } = chart;
  const { head, body, surface } = elements;
  const stopping = new AbortController();
  const { signal } = stopping;
  // While a button is pressed, the pointer drags.
  body.addEventListener('pointermove', (event) => point(chart, event.buttons === 0 ? barUnder(chart, event) : null), { signal });
  body.addEventListener('pointerleave', () => point(chart, null), { signal });
  body.addEventListener('click', (event) => onClick(chart, event), { signal });
  surface.addEventListener('keydown', (event) => onKey(chart, event), { signal });
  body.addEventListener('wheel', (event) => onWheel(chart, event), { signal, passive: false });
  surface.addEventListener('focus', painter.redraw, { signal });
  surface.addEventListener('blur', () => onBlur(chart), { signal });
  head.addEventListener('pointerdown', (event) => onHead(chart, event), { signal });
  head.addEventListener('pointermove', (event) => onHead(chart, event), { signal });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', painter.recolor, { signal });
  const resized = new ResizeObserver(() => measure(chart));
  resized.observe(body.parentElement ?? body);
  return () => {
    stopping.abort();
    resized.disconnect();
  };
}

function onClick(chart: Chart, event: MouseEvent): void {
  const bar = barUnder(chart, event);
  if (bar !== null) open(chart, bar);
}

function onKey(chart: Chart, event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { timeline, selection, viewport } = chart;
  const does = actOf({ name: event.key, isShifted: event.shiftKey }, timeline, cursorOf(selection), viewport.scale().width);
  if (does === null) return;
  event.preventDefault();
  act(chart, does);
}

/** Moves the visible part if the wheel turns more sideways than up and down. */
function onWheel({ viewport }: Chart, event: WheelEvent): void {
  const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
  if (event.ctrlKey || event.metaKey || Math.abs(sideways) <= (event.shiftKey ? 0 : Math.abs(event.deltaY))) return;
  event.preventDefault();
  viewport.panBy(-sideways);
}

/** The overview shows the whole run: pressing there moves the visible part to that place. */
function onHead({ elements, viewport }: Chart, event: PointerEvent): void {
  if (event.buttons !== 1) return;
  viewport.centerOn(event.clientX - elements.head.getBoundingClientRect().left);
}

/** Hides the details of the bar that the keys chose. */
function onBlur({ handlers, painter }: Chart): void {
  handlers.onPoint(null);
  painter.redraw();
}
