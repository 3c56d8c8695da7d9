// The timeline with the elements around it: lane names, zoom buttons, details of the bar under the pointer, and a description of the keys.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { endOf, type Timeline, timelineOf } from './lanes.ts';
import { agentName, fileOf, type Model, nodeidOf, statusWord } from './model.ts';
import { createTimeline, type Pointed, type TimelineView } from './timeline.ts';
import { duration, instant, percent, plural } from './words.ts';

/** A lower lane has no room for its xdist worker's name. In pixels. */
const NAMED_LANE = 11;

interface Props {
  readonly model: Model;
  readonly onOpen: (row: number) => void;
}

export function TimelinePanel({ model, onOpen }: Props) {
  const timeline = useMemo(() => timelineOf(model), [model]);
  const head = useRef<HTMLCanvasElement>(null);
  const chart = useRef<HTMLDivElement>(null);
  const surface = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLCanvasElement>(null);
  const view = useRef<TimelineView | null>(null);
  const [pointed, setPointed] = useState<Pointed | null>(null);
  const [said, setSaid] = useState('');
  const [isZoomed, setZoomed] = useState(false);
  const [laneHeight, setLaneHeight] = useState(0);
  const current = useRef({ model, onOpen });
  current.current = { model, onOpen };
  const hasLanes = timeline.lanes.length > 0;

  useEffect(() => {
    if (head.current === null || body.current === null || surface.current === null) return;
    const made = createTimeline({ head: head.current, body: body.current, surface: surface.current }, timeline, {
      onPoint: setPointed,
      onFocus: (told) => setSaid(tooltipLines(current.current.model, told).join(', ')),
      onOpen: (attempt) => current.current.onOpen(current.current.model.attempts.row[attempt] ?? 0),
      onZoom: setZoomed,
    });
    view.current = made;
    return () => made.destroy();
  }, [hasLanes]);
  useEffect(() => {
    view.current?.show(timeline);
    setLaneHeight(view.current?.laneHeight() ?? 0);
  }, [timeline, hasLanes]);

  if (!hasLanes) return null;
  const room = timeline.runMs * timeline.lanes.length;
  const busy = timeline.lanes.reduce((sum, lane) => sum + lane.busyMs, 0);
  return (
    <section class="panel timeline" aria-labelledby="timeline-title">
      <header>
        <h2 id="timeline-title">Timeline</h2>
        <p class="muted">
          {plural(timeline.lanes.length, 'xdist worker')}, busy {percent(Math.min(1, busy / room))} of the time
        </p>
        <Legend timeline={timeline} />
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
      </header>
      <div class="chart" ref={chart}>
        <div class="chart-head">
          <div class="lane-names muted">busy workers</div>
          <canvas ref={head} />
        </div>
        <div class="chart-body">
          <div class="lane-names" aria-hidden="true">
            {timeline.lanes.map((lane, index) => (
              <div
                key={`${lane.agent} ${lane.worker}`}
                class={timeline.lanes[index - 1]?.agent === lane.agent ? 'lane-name' : 'lane-name first'}
                style={{ height: `${laneHeight}px` }}
                title={`${lane.agent} ${lane.worker}: ${duration(lane.busyMs)} in tests, ${percent(lane.busyMs / timeline.runMs)}`}
              >
                {laneHeight < NAMED_LANE && timeline.lanes[index - 1]?.agent !== lane.agent && (
                  <span class="agent">{agentName(model, lane.agent)}</span>
                )}
                {laneHeight >= NAMED_LANE && (
                  <>
                    <span class="agent">{timeline.lanes[index - 1]?.agent === lane.agent ? '' : agentName(model, lane.agent)}</span>
                    <span>{lane.worker}</span>
                    <span class="share">{percentShort(lane.busyMs / timeline.runMs)}</span>
                  </>
                )}
              </div>
            ))}
          </div>
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
      <p id="timeline-keys" class="hint">
        Drag to move, Ctrl and wheel to zoom, click a bar for its test. Keys: arrows between tests and workers, <kbd>f</kbd> next failure,{' '}
        <kbd>+</kbd> <kbd>−</kbd> <kbd>0</kbd> zoom, <kbd>Enter</kbd> opens.
      </p>
      <p class="unseen" aria-live="polite">
        {said}
      </p>
    </section>
  );
}

/** How far the top of `inner` is below the top of `outer`, independent of scrolling. */
const offset = (inner: Element | null, outer: Element | null): number =>
  (inner?.getBoundingClientRect().top ?? 0) - (outer?.getBoundingClientRect().top ?? 0);

const percentShort = (share: number): string => `${Math.round(Math.min(1, share) * 100)} %`;

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
        <i class="swatch idle" /> idle
      </li>
    </ul>
  );
}

function tooltipLines(model: Model, { lane, from, to }: Pointed): string[] {
  const { attempts } = model;
  const [first, last] = [lane.attempts[from] ?? -1, lane.attempts[to - 1] ?? -1];
  const row = attempts.row[first] ?? -1;
  const startedAt = attempts.startedAt[first] ?? 0;
  const where = `${agentName(model, lane.agent)} ${lane.worker}, from ${instant(startedAt, 1)}`;
  if (to - from === 1) return [nodeidOf(model, row), `${statusWord(model, row)}, ${duration(attempts.ms[first] ?? 0)}`, where];
  const failures = lane.failures.filter((place) => place >= from && place < to).length;
  const failed = failures === 0 ? '' : `, ${failures} failed`;
  return [fileOf(model, row), `${plural(to - from, 'test')}${failed}, ${duration(endOf(attempts, last) - startedAt)}`, where];
}

interface TooltipProps {
  readonly model: Model;
  readonly pointed: Pointed;
  readonly width: number;
  /** The top of the lanes. */
  readonly top: number;
}

function Tooltip({ model, pointed, width, top }: TooltipProps) {
  const [name, ...lines] = tooltipLines(model, pointed);
  const isRight = pointed.x > width / 2;
  const side = isRight
    ? { right: `calc(var(--pad) + ${width - pointed.x}px)` }
    : { left: `calc(var(--pad) + var(--names) + ${pointed.x}px)` };
  return (
    <div class="tooltip" role="tooltip" style={{ top: `${top + pointed.y + 4}px`, ...side }}>
      <strong>{name}</strong>
      {lines.map((line) => (
        <span key={line}>{line}</span>
      ))}
    </div>
  );
}
