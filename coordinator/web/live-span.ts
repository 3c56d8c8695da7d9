// How long a live run has lasted. Instants are milliseconds since the epoch.
//
// running → running  a test ended
// running → ended    the run was closed

/** `lastAt` is the latest end of a test so far. By an agent's clock it may be later than now. */
export type LiveSpan = { readonly kind: 'running'; readonly lastAt: number } | { readonly kind: 'ended'; readonly at: number };

/** Records that a test ended. After the run was closed it changes nothing. */
export const testEndedAt = (span: LiveSpan, at: number): LiveSpan =>
  span.kind === 'ended' || at <= span.lastAt ? span : { kind: 'running', lastAt: at };

/** Closes the run, at the earliest when its last test ended. */
export const closedAt = (span: LiveSpan, at: number): LiveSpan => ({ kind: 'ended', at: Math.max(at, latest(span)) });

/** The run's end or, while it is running, `now`, at the earliest when its last test ended. */
export const endOr = (span: LiveSpan, now: number): number => (span.kind === 'ended' ? span.at : Math.max(now, span.lastAt));

const latest = (span: LiveSpan): number => (span.kind === 'ended' ? span.at : span.lastAt);
