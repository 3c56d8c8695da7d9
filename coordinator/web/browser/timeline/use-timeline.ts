// Keeps a timeline on the page's canvases for as long as there are lanes, and what it reports for rendering.

import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Model } from '../model.ts';
import type { Bar } from './bars.ts';
import type { Timeline } from './lanes.ts';
import { createTimeline, type TimelineView } from './timeline.ts';
import { tooltipLines } from './tooltip.tsx';

interface Options {
  readonly model: Model;
  readonly timeline: Timeline;
  readonly onOpen: (row: number) => void;
}

export interface ShownTimeline {
  readonly head: RefObject<HTMLCanvasElement | null>;
  readonly body: RefObject<HTMLCanvasElement | null>;
  readonly surface: RefObject<HTMLDivElement | null>;
  readonly view: RefObject<TimelineView | null>;
  readonly pointed: Bar | null;
  /** What a screen reader must announce. */
  readonly said: string;
  readonly isZoomed: boolean;
  /** In pixels; 0 before the first rendering. */
  readonly laneHeight: number;
}

export function useTimeline({ model, timeline, onOpen }: Options): ShownTimeline {
  const head = useRef<HTMLCanvasElement>(null);
  const surface = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLCanvasElement>(null);
  const view = useRef<TimelineView>(null);
  const [pointed, setPointed] = useState<Bar | null>(null);
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
      onFocus: (focused) => setSaid(tooltipLines(current.current.model, focused).join(', ')),
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

  return { head, body, surface, view, pointed, said, isZoomed, laneHeight };
}
