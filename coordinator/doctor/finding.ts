// What `shardline doctor` finds.

/** `bad` stops a run, `doubtful` may change its result or its speed. `skipped` was not checked, because something else is bad. */
export type Health = 'ok' | 'doubtful' | 'bad' | 'skipped';

export interface Finding {
  readonly health: Health;
  /** What was looked at, in one word. */
  readonly subject: string;
  /** What was found. The first line is the most important one. */
  readonly text: string;
  /** One step that helps; null if there is nothing to do. */
  readonly fix: string | null;
}

export const ok = (subject: string, text: string): Finding => ({ health: 'ok', subject, text, fix: null });
export const skipped = (subject: string, needed: string): Finding => ({ health: 'skipped', subject, text: `needs ${needed}`, fix: null });
export const doubtful = (subject: string, text: string, fix: string | null): Finding => ({ health: 'doubtful', subject, text, fix });
export const bad = (subject: string, text: string, fix: string): Finding => ({ health: 'bad', subject, text, fix });
