// How to start one fed pytest, and whom the session informs.

import type { SessionEnding } from '../../../shared/domain/events.ts';
import type { Drain } from '../../../shared/domain/run-spec.ts';
import type { Shown } from '../../../shared/domain/shown.ts';
import type { HowToCollect, Inseparable, SuiteList } from '../../../shared/domain/suite/suite-list.ts';
import { ShardlineError } from '../../../shared/errors.ts';
import type { PytestProcess } from '../../../shared/pytest/start-pytest.ts';
import type { OtherUser } from '../../../shared/system/other-user.ts';
import { shellCommand } from '../../../shared/text/shell-quote.ts';
import type { WorkerNumbers } from '../../worker-numbers.ts';
import type { StartedPytest } from '../attempt-log.ts';
import type { Room } from '../plugin-socket.ts';
import type { FailureChecks } from './collection.ts';

/** How to start one fed pytest. */
export interface FedRequest {
  /** The socket path, which the session file names too. */
  readonly socket: string;
  /** The user that runs pytest; null for the agent's own. */
  readonly user: OtherUser | null;
  readonly startProcess: () => Promise<PytestProcess>;
  /** The command that a user would type to start the same pytest. */
  readonly command: readonly string[];
  readonly agent: string;
  /** See `SessionRequest.labels`. */
  readonly labels: readonly string[] | null;
  readonly drain: Drain | null;
  /** Limit for one test; null when there is none. */
  readonly testTimeoutSeconds: number | null;
  readonly room: Room;
  readonly workers: WorkerNumbers;
  /** Longest time without an xdist worker once the session had one, in milliseconds. */
  readonly replaceMs: number;
  /** Prints one line for the user. */
  readonly print: (line: string) => void;
  /** Receives one line for the debug log. */
  readonly debug?: (line: string) => void;
  /** Receives what pytest reported about itself before its xdist workers are ready, and decides how they collect. */
  readonly collect: (started: StartedPytest) => Promise<HowToCollect>;
  /** Whether attempts wait in the queue. Rejects when Redis does not answer. */
  readonly isMoreWaiting: () => Promise<boolean>;
  /** Aborts when the session is no longer needed before it is ready. */
  readonly ending: AbortSignal;
  /** Receives the whole list, if the workers collect it. */
  readonly listed: (list: SuiteList) => void;
  readonly checks: FailureChecks;
  /** Receives why the files of the suite depend on each other. */
  readonly inseparable: (found: Inseparable) => void;
  /** Receives pytest's message when it rejects paths or options. */
  readonly refused: (message: string) => void;
  /** Receives what pytest shows besides results, with each task. */
  readonly show?: (shown: Shown) => void;
  /** Receives how hooks of the suite changed the exit code of the session. */
  readonly ended?: (ending: SessionEnding) => void;
}

/** The error of a session that did not start. */
export const notStarted = ({ agent, command }: FedRequest, problem: string): ShardlineError =>
  new ShardlineError('session-not-started', { agent, problem, command: shellCommand(command) });
