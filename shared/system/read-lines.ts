// Reads a file line by line: the log of a long run can exceed the longest possible string.

import { createReadStream } from 'node:fs';

/**
 * Yields each line without its line break. Drops an unterminated last line, because its writer died while writing it. Rejects with the file
 * system's error.
 */
export async function* readLines(path: string): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', from)) {
      yield Buffer.concat([...rest, chunk.subarray(from, end)]).toString('utf8');
      rest = [];
      from = end + 1;
    }
    rest.push(chunk.subarray(from));
  }
}
