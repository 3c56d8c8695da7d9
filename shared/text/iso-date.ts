// Dates as reports have them.

/** The first and last milliseconds that an ISO date can name in four digits of the year, which is all that readers of reports accept. */
const FIRST = Date.parse('0000-01-01T00:00:00.000Z');
const LAST = Date.parse('9999-12-31T23:59:59.999Z');

/** Takes milliseconds since the epoch. Total: an impossible instant, which only a broken message can name, becomes the nearest date. */
export const isoDate = (at: number): string => new Date(Math.min(Math.max(Number.isNaN(at) ? 0 : at, FIRST), LAST)).toISOString();
