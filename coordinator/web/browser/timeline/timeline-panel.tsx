// The timeline with the elements around it: lane names, zoom buttons, details of the bar under the pointer, and a description of the keys.

import type { RefObject } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import type { Model } from '../model.ts';
import { duration, instant, percent, plural } from '../words.ts';
import { LaneNames } from './lane-names.tsx';
import { type Timeline, timelineOf } from './lanes.ts';
import type { TimelineView } from './timeline.ts';
import { Tooltip } from './tooltip.tsx';
import { type ShownTimeline, useTimeline } from './use-timeline.ts';

interface Props {
  readonly model: Model;
  readonly onOpen: (row: number) => void;
}

export function TimelinePanel({ model, onOpen }: Props) {
  const timeline = useMemo(() => timelineOf(model), [model]);
  const shown = useTimeline({ model, timeline, onOpen });
  if (timeline.lanes.length === 0) return null;
  return (
    <section class="panel timeline" aria-labelledby="timeline-title">
      <header>
        <h2 id="timeline-title">Timeline</h2>
        <Utilization timeline={timeline} />
        <Legend timeline={timeline} />
        <ZoomButtons view={shown.view} isZoomed={shown.isZoomed} />
      </header>
      <Chart model={model} timeline={timeline} shown={shown} />
      <Waits model={model} />
      <p id="timeline-keys" class="hint">
        Drag to move, Ctrl and wheel to zoom, click a bar for its test. Keys: arrows between tests and workers, <kbd>f</kbd> next failure,{' '}
        <kbd>+</kbd> <kbd>−</kbd> <kbd>0</kbd> zoom, <kbd>Enter</kbd> opens.
      </p>
      <p class="unseen" aria-live="polite">
        {shown.said}
      </p>
    </section>
  );
}

/** The number of waits that are listed. */
const LISTED = 20;

function Waits({ model }: { readonly model: Model }) {
  const { waits } = model.data;
  if (waits.length === 0) return null;
  const more = waits.length - LISTED;
  return (
    <ul class="waits" aria-label="Waits">
      {waits.slice(0, LISTED).map(([shard, what, fromMs, ms]) => (
        <li key={`${shard} ${fromMs}`}>
          {instant(fromMs, 100)}: shard {shard} waited {duration(ms)} for {what}
        </li>
      ))}
      {more > 0 && <li>and {plural(more, 'wait')} more</li>}
    </ul>
  );
}

/** The time before the first test is start-up, and no worker is idle in it. */
function Utilization({ timeline: { lanes, runMs, firstMs } }: { readonly timeline: Timeline }) {
  const busyMs = lanes.reduce((sum, lane) => sum + lane.busyMs, 0);
  const share = percent(Math.min(1, busyMs / (Math.max(1, runMs - firstMs) * lanes.length)));
  return (
    <p class="muted">
      {plural(lanes.length, 'xdist worker')} with tests, busy {share} of the time since the first test
    </p>
  );
}

function Legend({ timeline }: { readonly timeline: Timeline }) {
  const hasFailures = timeline.lanes.some(({ failures }) => failures.length > 0);
  return (
    <ul class="legend" aria-label="Legend">
      <li>
        <i class="swatch passed" /> test
      </li>
      {hasFailures && (
        <li>
          <i class="swatch failed" /> failure
        </li>
      )}
      <li>
        <i class="swatch starting" /> starting
      </li>
      <li>
        <i class="swatch idle" /> idle
      </li>
      {timeline.waits.length > 0 && (
        <li>
          <i class="swatch waiting" /> a shard waits
        </li>
      )}
    </ul>
  );
}

interface ZoomProps {
  readonly view: RefObject<TimelineView | null>;
  readonly isZoomed: boolean;
}

function ZoomButtons({ view, isZoomed }: ZoomProps) {
  return (
    <fieldset class="buttons" aria-label="Zoom">
      <button type="button" aria-label="Zoom in" onClick={() => view.current?.zoomBy(2)}>
        +
      </button>
      <button type="button" aria-label="Zoom out" disabled={!isZoomed} onClick={() => view.current?.zoomBy(0.5)}>
        −
      </button>
      <button type="button" disabled={!isZoomed} onClick={() => view.current?.reset()}>
        Whole run
      </button>
    </fieldset>
  );
}

interface ChartProps {
  readonly model: Model;
  readonly timeline: Timeline;
  readonly shown: ShownTimeline;
}

function Chart({ model, timeline, shown: { head, body, surface, pointed, laneHeight } }: ChartProps) {
  const chart = useRef<HTMLDivElement>(null);
  return (
    <div class="chart" ref={chart}>
      <div class="chart-head">
        <div class="lane-names muted">busy workers</div>
        <canvas ref={head} />
      </div>
      <div class="chart-body">
        <LaneNames model={model} timeline={timeline} laneHeight={laneHeight} />
        <div
          class="lanes"
          ref={surface}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: an application takes the keyboard
          tabIndex={0}
          role="application"
          aria-roledescription="timeline"
          aria-label={`Timeline of ${plural(timeline.lanes.length, 'xdist worker')}`}
          aria-describedby="timeline-keys"
        >
          <canvas ref={body} />
        </div>
      </div>
      {pointed !== null && (
        <Tooltip model={model} pointed={pointed} width={body.current?.clientWidth ?? 0} top={offset(body.current, chart.current)} />
      )}
    </div>
  );
}

/** How far the top of `inner` is below the top of `outer`, independent of scrolling. */
const offset = (inner: Element | null, outer: Element | null): number =>
  (inner?.getBoundingClientRect().top ?? 0) - (outer?.getBoundingClientRect().top ?? 0);
