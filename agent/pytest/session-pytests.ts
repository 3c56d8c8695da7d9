// Starts the pytest processes of one session, one after another, each with its own session file, and keeps their coverage. It does not
// decide when one is needed.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { HowToCollect, SuiteList } from '../../shared/domain/suite/suite-list.ts';
import { pytestCommand } from '../../shared/pytest/pytest-command.ts';
import { writeSessionFile } from '../../shared/pytest/session-file.ts';
import { startPytest } from '../../shared/pytest/start-pytest.ts';
import { giveTo } from '../../shared/system/other-user.ts';
import type { SessionRequest } from '../ports.ts';
import { createWorkerNumbers } from '../worker-numbers.ts';
import type { StartedPytest } from './attempt-log.ts';
import { type FedPytest, infoOf, startFed } from './fed-pytest.ts';
import type { SelfTest } from './self-test.ts';
import { createFailureChecks } from './session/collection.ts';
import type { FedRequest } from './session/fed-request.ts';

const LIMITS = { tracebackBytes: 100_000, sectionBytes: 64_000 } as const;

/** Where Redis gives no number. pytest then removes nothing that another pytest of the run may have written. */
const UNKNOWN_ORDINAL = -1;

/** What the engine adds to the request for a session. */
export interface EngineOptions {
  /** Prints one line for the user. */
  readonly print: (line: string) => void;
  /** Receives one line for the debug log. */
  readonly debug?: (line: string) => void;
  /** Checks that a pytest can be fed; null assumes that it can. */
  readonly selfTest: SelfTest | null;
  /** Longest time without an xdist worker once a pytest had one, in milliseconds. */
  readonly replaceMs: number;
}

export interface SessionPytests {
  /** Starts the next pytest. Throws `session-not-started`, `no-workspace` and `no-python`. */
  start(): Promise<FedPytest>;
  /** Resolves when the coverage of every pytest is transferred. Throws what a transfer threw. */
  kept(): Promise<void>;
}

/** `directory` gets the socket, the session file and the coverage of each pytest. */
export function createSessionPytests(request: SessionRequest, options: EngineOptions, directory: string): SessionPytests {
  const feed = feedOf(request, options);
  /** Transfers of the coverage of ended sessions. */
  const keeping: Promise<void>[] = [];
  let sessions = 0;

  return {
    async start() {
      sessions += 1;
      const files = filesOf(directory, sessions);
      await prepare(request, files);
      const { python, workspace, environment = {}, user = null } = request;
      const startProcess = () => startPytest({ python, workspace, sessionPath: files.session, environment, user });
      const pytest = await startFed({ ...feed, socket: files.socket, user, startProcess });
      const kept = keepCoverage(request, pytest, files.coverage);
      // The code that closes the session throws a failure of this promise.
      kept.catch(() => undefined);
      keeping.push(kept);
      return pytest;
    },
    async kept() {
      await Promise.all(keeping);
    },
  };
}

/** What belongs to one pytest in the session's directory. */
interface PytestFiles {
  readonly socket: string;
  readonly session: string;
  /** A directory. */
  readonly coverage: string;
}

const filesOf = (directory: string, session: number): PytestFiles => ({
  socket: join(directory, `${session}.sock`),
  session: join(directory, `${session}.json`),
  coverage: join(directory, `coverage-${session}`),
});

/** Writes what the plugin reads at the start of pytest. */
async function prepare(request: SessionRequest, { socket, session, coverage }: PytestFiles): Promise<void> {
  const { numprocesses, maxAutoWorkers, user = null } = request;
  const { pytestArgs, cache, mayMiss = false, harmless, serialMarker, stopsItself, relay, maxWorkerBytes, maxWorkerFiles } = request.spec;
  const ordinal = await nextOrdinal(request);
  if (request.keepCoverage !== null) {
    await mkdir(coverage, { mode: 0o700 });
    await giveTo(user, coverage, 0o700);
  }
  const coverageFile = request.keepCoverage === null ? null : join(coverage, 'data');
  const own = { socket, ordinal, coverageFile, numprocesses, maxAutoWorkers, limits: LIMITS } as const;
  const from = { pytestArgs, cache, mayMiss, harmless, serialMarker, stopsItself, relay, maxWorkerBytes, maxWorkerFiles } as const;
  await writeSessionFile(session, { mode: 'stream', ...own, ...from }, user);
}

/** A run that is over gives out no number, so its pytest is not the first. */
const nextOrdinal = ({ claimNumbers }: SessionRequest): Promise<number> =>
  claimNumbers('workspace', 1, UNKNOWN_ORDINAL).catch(() => UNKNOWN_ORDINAL);

async function keepCoverage(request: SessionRequest, pytest: FedPytest, directory: string): Promise<void> {
  await pytest.ended;
  const covered = pytest.covered();
  if (covered !== null) await request.keepCoverage?.({ directory, user: request.user ?? null, ...covered });
}

/** What every pytest of the session has in common. The xdist workers of all of them share one series of numbers. */
function feedOf(request: SessionRequest, options: EngineOptions): Omit<FedRequest, 'socket' | 'user' | 'startProcess'> {
  const { agent, labels, python, spec, room, isMoreWaiting, ending, refused, inseparable, show, ended } = request;
  const { print, debug, replaceMs } = options;
  const howToCollect = createHowToCollect(request, options);
  let isListed = false;
  return {
    command: pytestCommand(python, spec.pytestArgs),
    agent,
    labels,
    drain: spec.drain,
    testTimeoutSeconds: spec.testTimeoutSeconds,
    room,
    workers: createWorkerNumbers(request.claimNumbers),
    replaceMs,
    print,
    ...(debug === undefined ? {} : { debug }),
    checks: createFailureChecks(),
    ...(show === undefined ? {} : { show }),
    ...(ended === undefined ? {} : { ended }),
    collect: (started) => {
      request.started(infoOf(started));
      return howToCollect(started);
    },
    isMoreWaiting,
    ending,
    listed: (list: SuiteList) => {
      if (!isListed) request.listed(list);
      isListed = true;
    },
    refused,
    inseparable,
  };
}

/** Decides how the xdist workers of one pytest collect. The first call starts the self-test, and the others await it. */
function createHowToCollect(
  request: SessionRequest,
  { print, selfTest }: EngineOptions,
): (started: StartedPytest) => Promise<HowToCollect> {
  let tested: Promise<string | null> | null = null;
  return async (started) => {
    // The self-test runs while the first session's xdist workers start.
    tested ??= selfTest?.(request.python, started, request.user ?? null) ?? Promise.resolve(null);
    const how = await request.collect;
    if (how.mode === 'suite') return how;
    const problem = started.unfeedable ?? (await tested);
    if (problem === null) return how;
    print(`every xdist worker here collects the whole suite: ${problem}`);
    return { mode: 'suite', proves: false, companions: [], loads: [] };
  };
}
