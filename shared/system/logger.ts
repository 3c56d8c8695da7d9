// The log: JSON lines, or text for people, on standard error or in a file. Callers must log the safe form of an address, so that no password gets into the log.

import { dirname } from 'node:path';
import { destination, pino } from 'pino';
import { messageOf, ShardlineError } from '../errors.ts';
import type { LogFormat, LogLevel } from '../settings/settings.ts';
import { logLine } from '../text/log-line.ts';
import { makeDirectory } from './files/make-directory.ts';

export interface Logger {
  debug(fields: object, phrase: string): void;
  info(fields: object, phrase: string): void;
  warn(fields: object, phrase: string): void;
  error(fields: object, phrase: string): void;
  /** Writes the remaining lines. */
  close(): void;
}

/** Throws `output-not-writable`. Writes are synchronous, so a process that dies has written all its lines. */
export function createLogger(options: {
  readonly level: LogLevel;
  readonly file: string | null;
  readonly name: string;
  readonly format?: LogFormat;
}): Logger {
  const { level, file, name, format = 'json' } = options;
  try {
    if (file !== null) makeDirectory(dirname(file));
    const stream = destination({ dest: file ?? 2, sync: true });
    const log = pino({ level, name }, format === 'json' ? stream : { write: (line) => void stream.write(logLine(line)) });
    // A full disk must not end the run. The logger reports it once and then logs nothing more.
    stream.on('error', (problem: unknown) => {
      if (log.level === 'silent') return;
      log.level = 'silent';
      process.stderr.write(`shardline: warning: could not write the log to ${file ?? 'standard error'}: ${messageOf(problem)}\n`);
    });
    return {
      debug: (fields, phrase) => log.debug(fields, phrase),
      info: (fields, phrase) => log.info(fields, phrase),
      warn: (fields, phrase) => log.warn(fields, phrase),
      error: (fields, phrase) => log.error(fields, phrase),
      close: () => (file === null ? stream.flushSync() : stream.end()),
    };
  } catch (thrown) {
    throw new ShardlineError('output-not-writable', { path: file ?? 'standard error', problem: messageOf(thrown) }, { cause: thrown });
  }
}
