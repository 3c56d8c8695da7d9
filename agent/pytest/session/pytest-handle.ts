// The pytest process of one session, before and after it has started. Before, there is nothing to signal and no output.

import type { PytestExit, PytestProcess } from '../../../shared/pytest/start-pytest.ts';

export interface PytestHandle extends Pick<PytestProcess, 'interrupt' | 'kill' | 'printedBytes' | 'output'> {
  /** Starts pytest, and resolves when it has exited. Rejects when it cannot start. */
  run(): Promise<PytestExit>;
  /** pytest has passed this exit code to its hooks. */
  finish(exitCode: number): void;
  /** The exit code that pytest passed to its hooks; null when it did not get there. */
  finished(): number | null;
}

export function createPytestHandle(start: () => Promise<PytestProcess>): PytestHandle {
  let pytest: PytestProcess | null = null;
  let finished: number | null = null;
  return {
    async run() {
      pytest = await start();
      return pytest.exited;
    },
    finish(exitCode) {
      finished = exitCode;
    },
    finished: () => finished,
    interrupt: () => pytest?.interrupt(),
    kill: () => pytest?.kill(),
    printedBytes: () => pytest?.printedBytes() ?? 0,
    output: (fromBytes) => pytest?.output(fromBytes) ?? '',
  };
}
