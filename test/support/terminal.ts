// Runs the program in a real terminal of a given size, and reads the screen as a person would.

import { fileURLToPath } from 'node:url';
import xterm from '@xterm/headless';
import { execa } from 'execa';
import { testPython } from './python.ts';
import { environment, program } from './shardline.ts';

const helper = fileURLToPath(new URL('in_terminal.py', import.meta.url));

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface TerminalRun extends AsyncDisposable {
  /** All lines, including those that have scrolled away, as wide as the terminal, without empty lines at the end. */
  lines(): readonly string[];
  /** The complete output. */
  written(): string;
  type(text: string): void;
  resize(size: Size): void;
  /** The output since the terminal got this size; empty before that. */
  writtenSince(size: Size): string;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | undefined>;
}

/** Starts `shardline ARGV…` in this directory. */
export function startInTerminal(cwd: string, { columns, rows }: Size, argv: readonly string[]): TerminalRun {
  const terminal = new xterm.Terminal({ cols: columns, rows, scrollback: 2000, allowProposedApi: true });
  const running = execa(testPython(), [helper, String(columns), String(rows), ...program, ...argv], {
    cwd,
    env: environment({ TERM: 'xterm-256color' }),
    extendEnv: false,
    reject: false,
    stdin: 'pipe',
    buffer: false,
    stderr: 'inherit',
  });
  let written = '';
  let parsed = Promise.resolve();
  running.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    written += chunk;
    parsed = parsed.then(() => show(terminal, chunk));
  });
  const order = (what: object): void => {
    running.stdin.write(`${JSON.stringify(what)}\n`);
  };
  return {
    written: () => written,
    lines() {
      const { active } = terminal.buffer;
      const lines = Array.from({ length: active.length }, (_, index) => active.getLine(index)?.translateToString(true) ?? '');
      return lines.slice(0, lines.findLastIndex((line) => line !== '') + 1);
    },
    type: (text) => order({ type: text }),
    resize: order,
    writtenSince: ({ columns: newColumns, rows: newRows }) => written.split(`\u001b[8;${newRows};${newColumns}t`)[1] ?? '',
    ended: running.then(async ({ exitCode }) => {
      await parsed;
      return exitCode;
    }),
    async [Symbol.asyncDispose]() {
      running.stdin.end();
      await running;
      terminal.dispose();
    },
  };
}

/** Writes a chunk of output, and resizes the terminal at each resize sequence in it. */
async function show(terminal: xterm.Terminal, chunk: string): Promise<void> {
  const [first = '', ...rest] = chunk.split(/\u001b\[8;(\d+);(\d+)t/);
  const write = (text: string): Promise<void> => new Promise((resolve) => terminal.write(text, resolve));
  await write(first);
  for (let index = 0; index < rest.length; index += 3) {
    terminal.resize(Number(rest[index + 1]), Number(rest[index]));
    await write(rest[index + 2] ?? '');
  }
}
