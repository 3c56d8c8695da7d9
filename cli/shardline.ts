#!/usr/bin/env node
// The executable: makes sure that this Node can run the program, and hands it the process it runs in.

import module from 'node:module';
import { join } from 'node:path';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 12)) {
  process.stderr.write(
    `shardline: error: This is Node.js ${process.version}; shardline needs Node.js 22.12 or later.\n  Fix: install a current Node.js.\n`,
  );
  process.exitCode = 4;
} else {
  // A third of the time until the program runs is spent on compiling it (measured); the next start finds that done.
  const cache = process.env.XDG_CACHE_HOME || (process.env.HOME && join(process.env.HOME, '.cache'));
  if (cache) module.enableCompileCache(join(cache, 'shardline', 'node'));
  // Who reads may leave before the end (`| head`), and a disk may be full: what a run does, and its exit code, do not hang on that.
  process.stdout.on('error', (problem: NodeJS.ErrnoException) => {
    if (problem.code !== 'EPIPE') process.stderr.write(`shardline: standard output could not be written: ${problem.message}\n`);
  });
  // There is nowhere left to tell of it.
  process.stderr.on('error', () => undefined);
  // Node ignores this signal of a file that grows above a limit, but no longer once some library has listened to it and stopped: a write
  // that is too much must stay an error that can be told.
  if (process.platform !== 'win32') process.on('SIGXFSZ', () => undefined);
  // Only now: an older Node could not even read the rest.
  const { main } = await import('./main.ts');
  process.exitCode = await main({
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    program: [process.execPath, ...process.execArgv, process.argv[1] ?? ''],
    abandon: (exitCode) => process.exit(exitCode),
    onSignal(signal, listener) {
      process.on(signal, listener);
      return () => process.off(signal, listener);
    },
  });
}
