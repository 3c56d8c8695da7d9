// The part of a live run's columns that a receiver does not have yet. Columns only grow, so their lengths say what it has.

import type { Columns } from './page-data.ts';

/** How much of the columns a receiver already has. */
export type Seen = ReturnType<typeof lengthsOf>;

export const lengthsOf = ({ files, lanes, texts, tests, attempts, collectErrors }: Columns) => ({
  files: files.length,
  lanes: lanes.length,
  texts: texts.length,
  collectErrors: collectErrors.length,
  tests: { name: tests.name.length, flaky: tests.flaky.length, attempts: tests.attempts.length, reruns: tests.reruns.length },
  attempts: { lane: attempts.lane.length, text: attempts.text.length, sections: attempts.sections.length },
});

/** Returns the rows that the columns have beyond `seen`. */
export function columnsSince({ files, lanes, texts, tests, attempts, collectErrors }: Columns, seen: Seen): Columns {
  return {
    files: files.slice(seen.files),
    lanes: lanes.slice(seen.lanes),
    texts: texts.slice(seen.texts),
    collectErrors: collectErrors.slice(seen.collectErrors),
    tests: {
      name: tests.name.slice(seen.tests.name),
      file: tests.file.slice(seen.tests.name),
      line: tests.line.slice(seen.tests.name),
      outcome: tests.outcome.slice(seen.tests.name),
      ms: tests.ms.slice(seen.tests.name),
      flaky: tests.flaky.slice(seen.tests.flaky),
      attempts: tests.attempts.slice(seen.tests.attempts),
      reruns: tests.reruns.slice(seen.tests.reruns),
    },
    attempts: {
      lane: attempts.lane.slice(seen.attempts.lane),
      startedAt: attempts.startedAt.slice(seen.attempts.lane),
      ms: attempts.ms.slice(seen.attempts.lane),
      outcome: attempts.outcome.slice(seen.attempts.lane),
      text: attempts.text.slice(seen.attempts.text),
      sections: attempts.sections.slice(seen.attempts.sections),
    },
  };
}
