// Everything that a command uses of its process. Commands read none of it directly.

import type { Writable } from 'node:stream';

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** A stream that may be a terminal. A terminal emits `resize` when its columns or rows change. */
export type Drawable = Output & Writable;

/**
 * The launcher of the Python package sets this environment variable. The program takes it out of its environment, so that tests do not see
 * it, and passes it on to a program of its own that looks for a server.
 */
export const LAUNCHER_VARIABLE = 'SHARDLINE_LAUNCHER';

/** A command of this program that runs in a process with another one. */
export interface BesideCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: NodeJS.ReadableStream;
  readonly stderr: Drawable;
}

export interface Edge {
  /** The version of shardline. */
  readonly version: string;
  /** Arguments after the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The value of SHARDLINE_LAUNCHER, not yet checked; undefined without a launcher. */
  readonly launcher: string | undefined;
  readonly cwd: string;
  readonly stdin: NodeJS.ReadableStream;
  /** For people: whatever is written, a terminal and the log of a CI job execute none of it. */
  readonly stdout: Output;
  readonly stderr: Output;
  /** Standard output for programs, such as JSON and the commands of CI providers. Text from tests must be made inert before. */
  readonly machine: Output;
  /** Standard error as a screen to draw on. */
  readonly screen: Drawable;
  /** How this program was started: interpreter, its options, script. */
  readonly program: readonly [string, ...string[]];
  /** The id of the process that started this one, as long as it exists; then another id. */
  readonly parent: () => number;
  /**
   * Runs another command of this program in this process, where starting a second Node.js would take longer. It reads and writes the streams
   * given here, and no signal reaches it. Resolves with its exit code; never rejects.
   */
  readonly beside: (command: BesideCommand) => Promise<number>;
  /** Ends the process at once, without waiting for pending work. */
  readonly abandon: (exitCode: number) => void;
  /** Calls `listener` for each such signal from now on. The returned function removes it. */
  readonly onSignal: (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', listener: () => void) => () => void;
}
