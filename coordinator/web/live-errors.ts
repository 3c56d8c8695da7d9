// The errors of one live run that belong to no test: files that could not be collected, and pytest sessions that failed at their end.

import type { AttemptEvent, RunEvent } from '../../shared/domain/events.ts';
import type { TestFile } from '../../shared/domain/ids.ts';
import type { GrowingColumns } from './page-columns.ts';
import { sessionName } from './page-data.ts';

export interface LiveErrors {
  /** Only the first report of a file counts. */
  takeFile(event: Extract<AttemptEvent, { kind: 'collect-failed' }>): void;
  takeSession(event: Extract<RunEvent, { kind: 'session-ended' }>): void;
  /** Number of files that could not be collected. */
  files(): number;
  /** Number of sessions that failed at their end. */
  sessions(): number;
}

export function createLiveErrors(columns: GrowingColumns): LiveErrors {
  const failedFiles = new Set<TestFile>();
  let sessions = 0;
  return {
    takeFile({ file, errors }) {
      if (failedFiles.has(file)) return;
      failedFiles.add(file);
      for (const { nodeid, message } of errors) columns.addCollectError(file, nodeid, message);
    },
    takeSession({ agent, problem }) {
      if (problem === null) return;
      sessions += 1;
      columns.addCollectError(sessionName(agent), sessionName(agent), problem);
    },
    files: () => failedFiles.size,
    sessions: () => sessions,
  };
}
