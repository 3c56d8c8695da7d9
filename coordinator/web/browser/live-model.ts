// Rebuilds a run from the messages that the dashboard's page has received.

import type { LiveHead } from '../live-messages.ts';
import type { Columns } from '../page-data.ts';
import { type Model, readModel } from './model.ts';

/** Appends the later columns to the earlier ones. */
export function joinColumns(earlier: Columns, later: Columns): Columns {
  const { tests, attempts } = earlier;
  return {
    files: [...earlier.files, ...later.files],
    lanes: [...earlier.lanes, ...later.lanes],
    texts: [...earlier.texts, ...later.texts],
    collectErrors: [...earlier.collectErrors, ...later.collectErrors],
    tests: {
      name: [...tests.name, ...later.tests.name],
      file: [...tests.file, ...later.tests.file],
      line: [...tests.line, ...later.tests.line],
      outcome: [...tests.outcome, ...later.tests.outcome],
      ms: [...tests.ms, ...later.tests.ms],
      flaky: [...tests.flaky, ...later.tests.flaky],
      attempts: [...tests.attempts, ...later.tests.attempts],
      reruns: [...tests.reruns, ...later.tests.reruns],
    },
    attempts: {
      lane: [...attempts.lane, ...later.attempts.lane],
      startedAt: [...attempts.startedAt, ...later.attempts.startedAt],
      ms: [...attempts.ms, ...later.attempts.ms],
      outcome: [...attempts.outcome, ...later.attempts.outcome],
      text: [...attempts.text, ...later.attempts.text],
      sections: [...attempts.sections, ...later.attempts.sections],
    },
  };
}

export function liveModel(head: LiveHead, columns: Columns): Model {
  const { running: _running, progress: _progress, report: _report, ...rest } = head;
  return readModel({ ...rest, ...columns });
}
