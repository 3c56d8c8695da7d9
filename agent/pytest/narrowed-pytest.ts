// One pytest that runs one attempt. It may be started before it is known which: then its plugins and conftests are loaded and its xdist workers up,
// and it waits before it collects.

import type { AttemptRequest } from '../../shared/attempt.ts';
import { messageOf } from '../../shared/errors.ts';
import { selectorAsJson } from '../../shared/pytest/session-file.ts';
import type { PytestExit, PytestProcess } from '../../shared/pytest/start-pytest.ts';
import type { AttemptLog, StartedPytest } from './attempt-log.ts';
import type { PytestMessage } from './codec.ts';
import { openInbox, type Room } from './inbox.ts';
import { createWatch } from './watch.ts';

export interface NarrowedPytest {
  /** What it found itself to be; null when it ended before it came to that. */
  readonly started: Promise<StartedPytest | null>;
  /** Tells it once what to run; `log` hears everything, also from before. */
  begin(attempt: Pick<AttemptRequest, 'selectors' | 'predictedSeconds'>, log: AttemptLog): void;
  /** Resolves when it is gone and nothing more will be heard. */
  readonly exited: Promise<PytestExit>;
  /** Is the process itself gone? */
  isGone(): boolean;
  interrupt(): void;
  kill(): void;
  /** The end of what it printed, below what was wrong with what it told, where something was. */
  output(): string;
  /** Did it lose an xdist worker, and what that had measured? */
  isShort(): boolean;
  /** Whether it told something that nobody could read: what it said last is not to be trusted then. */
  isBroken(): boolean;
}

/** Starts pytest by `startProcess`, whose session file names `socket`. Throws what `startProcess` throws. */
export async function startNarrowed(
  socket: string,
  startProcess: () => Promise<PytestProcess>,
  room: Room,
  testTimeoutSeconds: number | null,
): Promise<NarrowedPytest> {
  const started = Promise.withResolvers<StartedPytest | null>();
  const waiting: string[] = [];
  const early: { readonly message: PytestMessage; readonly worker: string }[] = [];
  let begun: { readonly log: AttemptLog; readonly task: object; readonly predictedSeconds: number } | null = null;
  let broken: unknown = null;
  let isShort = false;
  let pytest: PytestProcess | null = null;

  const watch = createWatch({
    testTimeoutSeconds,
    shardSeconds: () => begun?.predictedSeconds ?? 0,
    printedBytes: () => pytest?.printedBytes() ?? 0,
    outputSince: (bytes) => pytest?.output(bytes) ?? '',
  });

  const hear = (heard: PytestMessage, worker: string): void => {
    const message = watch.hear(heard, worker);
    if (message.kind === 'started') started.resolve(message);
    if (message.kind === 'worker-down') isShort = true;
    if (begun === null) early.push({ message, worker });
    else begun.log.hear(message, worker);
    // xdist's controller runs nothing. A worker that replaces another is told the same.
    if (message.kind !== 'hello' || message.worker === 'controller') return;
    if (begun === null) waiting.push(message.worker);
    else inbox.send(message.worker, begun.task);
  };
  const inbox = await openInbox(
    socket,
    hear,
    (problem) => {
      broken ??= problem;
      pytest?.kill();
    },
    room,
  );
  try {
    pytest = await startProcess();
  } catch (thrown) {
    await inbox.close();
    throw thrown;
  }
  const { exited, interrupt, kill, output } = pytest;
  let isGone = false;
  return {
    started: started.promise,
    begin({ selectors, predictedSeconds }, log) {
      begun = { log, predictedSeconds, task: { kind: 'select', selectors: selectors.map(selectorAsJson) } };
      for (const { message, worker } of early.splice(0)) log.hear(message, worker);
      for (const worker of waiting.splice(0)) inbox.send(worker, begun.task);
    },
    exited: exited.then(async (exit) => {
      isGone = true;
      await inbox.drained();
      // Without xdist workers nobody is left to tell of it.
      const ended = watch.endedHere('main');
      if (ended !== null) begun?.log.hear({ kind: 'worker-down', worker: 'main', error: ended }, 'main');
      watch.close();
      started.resolve(null);
      await inbox.close();
      return exit;
    }),
    isGone: () => isGone,
    interrupt,
    kill,
    output: () => `${broken === null ? '' : `${messageOf(broken)}\n`}${output()}`,
    isShort: () => isShort,
    isBroken: () => broken !== null,
  };
}
