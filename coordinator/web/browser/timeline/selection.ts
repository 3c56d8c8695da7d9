// What the user has selected in the timeline, with the pointer or with the keys.
//
// nothing, keys, pointer → pointer   the pointer is over a bar
// pointer → keys, or nothing         the pointer has left it, or drags; the keys' last choice is selected again
// nothing, keys, pointer → keys      the keys have chosen a test

import { assertNever } from '../../../../shared/assert-never.ts';
import type { Bar } from './bars.ts';
import type { Cursor } from './cursor.ts';

export type Selection =
  | { readonly kind: 'nothing' }
  /** `cursor` is where the keys go on; null if they have chosen nothing yet. */
  | { readonly kind: 'pointer'; readonly bar: Bar; readonly cursor: Cursor | null }
  | { readonly kind: 'keys'; readonly cursor: Cursor };

/** Returns the same selection if the pointer was over no bar and still is not. */
export function pointTo(selection: Selection, bar: Bar | null): Selection {
  const cursor = cursorOf(selection);
  if (bar !== null) return { kind: 'pointer', bar, cursor };
  if (selection.kind !== 'pointer') return selection;
  return cursor === null ? { kind: 'nothing' } : { kind: 'keys', cursor };
}

/** The test that the keys chose last; null if they have chosen none. */
export function cursorOf(selection: Selection): Cursor | null {
  switch (selection.kind) {
    case 'nothing':
      return null;
    case 'pointer':
    case 'keys':
      return selection.cursor;
    default:
      return assertNever(selection);
  }
}
