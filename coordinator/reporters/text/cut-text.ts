// The note about tracebacks and output that were cut because the report could not hold them.

import { plural } from '../../../shared/text/safe-text.ts';

export const cutWords = (textsCut: number): string =>
  `the traceback and output of ${plural(textsCut, 'test')} ${textsCut === 1 ? 'was' : 'were'} cut: this run wrote more than a report can hold (events.ndjson has all of it)`;
