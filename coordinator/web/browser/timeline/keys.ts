// What each key of the timeline does. timeline.ts does it.

import { attemptAt, besides, type Cursor, nextFailure } from './cursor.ts';
import type { Timeline } from './lanes.ts';

export type KeyAct =
  /** Selects a test, if there is one. */
  | { readonly kind: 'select'; readonly cursor: Cursor }
  /** Moves the visible part by so many pixels. */
  | { readonly kind: 'pan'; readonly pixels: number }
  | { readonly kind: 'zoom'; readonly factor: number }
  | { readonly kind: 'whole-run' }
  | { readonly kind: 'open'; readonly attempt: number }
  /** Forgets the bar under the pointer. */
  | { readonly kind: 'point-nowhere' }
  /** It is a key of the timeline and leads nowhere from here. */
  | { readonly kind: 'none' };

export interface Key {
  readonly name: string;
  readonly isShifted: boolean;
}

/** `cursor` is the test that the keys chose last, `width` the timeline's in pixels. Returns null for a key that is not the timeline's. */
export function actOf({ name, isShifted }: Key, timeline: Timeline, cursor: Cursor | null, width: number): KeyAct | null {
  const { lane, place } = cursor ?? { lane: 0, place: -1 };
  switch (name) {
    case 'ArrowRight':
      return isShifted ? { kind: 'pan', pixels: -width / 8 } : select({ lane, place: place + 1 });
    case 'ArrowLeft':
      return isShifted ? { kind: 'pan', pixels: width / 8 } : select({ lane, place: Math.max(0, place - 1) });
    case 'ArrowDown':
      return select(cursor === null ? { lane: 0, place: 0 } : besides(timeline, cursor, lane + 1));
    case 'ArrowUp':
      return select(cursor === null ? { lane: 0, place: 0 } : besides(timeline, cursor, lane - 1));
    case 'Home':
      return select({ lane, place: 0 });
    case 'End':
      return select({ lane, place: (timeline.lanes[lane]?.attempts.length ?? 0) - 1 });
    case '+':
    case '=':
      return { kind: 'zoom', factor: 2 };
    case '-':
      return { kind: 'zoom', factor: 0.5 };
    case '0':
      return { kind: 'whole-run' };
    case 'f':
      return select(nextFailure(timeline, cursor));
    case 'Enter':
      return open(cursor === null ? undefined : attemptAt(timeline, cursor));
    case 'Escape':
      return { kind: 'point-nowhere' };
    default:
      return null;
  }
}

const select = (cursor: Cursor | null): KeyAct => (cursor === null ? { kind: 'none' } : { kind: 'select', cursor });
const open = (attempt: number | undefined): KeyAct => (attempt === undefined ? { kind: 'none' } : { kind: 'open', attempt });
