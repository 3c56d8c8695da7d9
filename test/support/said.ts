// Waits for what a command prints.

import { eventually } from './eventually.ts';
/** A command that is running. */
export interface Command {
  readonly stderr: NodeJS.ReadableStream;
}

/** Waits until the command's stderr matches `pattern`, and returns the match. */
export async function said(command: Command, pattern: RegExp): Promise<RegExpExecArray> {
  let text = '';
  command.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await eventually(`${pattern} is said`, () => pattern.test(text), 90);
  const found = pattern.exec(text);
  if (found === null) throw new Error('unreachable');
  return found;
}
