// Reads a file line by line: the log of a long run can exceed the longest possible string.

import { createReadStream } from 'node:fs';

/** Bytes of one line. The longest are messages of the wire, which have at most half as many characters. */
const LONGEST_BYTES = 512_000_000;

/**
 * Yields each line without its line break. Drops an unterminated last line, because its writer died while writing it. Rejects with the file
 * system's error, and for a line that is longer than `longestBytes`.
 */
export async function* readLines(path: string, longestBytes: number = LONGEST_BYTES): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', from)) {
      yield Buffer.concat([...rest, chunk.subarray(from, end)]).toString('utf8');
      rest = [];
      restBytes = 0;
      from = end + 1;
    }
    rest.push(chunk.subarray(from));
    restBytes += chunk.length - from;
    if (restBytes > longestBytes) throw new Error(`a line of ${path} has more than ${longestBytes.toLocaleString('en')} bytes`);
  }
}
