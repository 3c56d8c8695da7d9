// What a command gets from the process it runs in, so that it reads none of it by itself.

import type { Writable } from 'node:stream';

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** What may be drawn on where it is a terminal: it emits `resize` then, when its columns or rows change. */
export type Drawable = Output & Writable;

export interface Edge {
  /** Arguments after the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: Output;
  readonly stderr: Drawable;
  /** How this program itself is started: interpreter, its options, the script. */
  readonly program: readonly [string, ...string[]];
  /** Ends the process at once, whatever it waits for. */
  readonly abandon: (exitCode: number) => void;
  /** Calls `listener` for each such signal from now on; the returned function stops that. */
  readonly onSignal: (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', listener: () => void) => () => void;
}
