#!/usr/bin/env node
// The executable: checks that this Node.js can run the program, and passes it the process's streams, arguments and signals.

import module from 'node:module';
import { join } from 'node:path';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (process.platform === 'win32') {
  process.stderr.write('shardline: error: shardline does not run on Windows.\n  Fix: Run it in WSL (Windows Subsystem for Linux).\n');
  process.exitCode = 4;
} else if (major < 22 || (major === 22 && minor < 12)) {
  const fix = process.env.SHARDLINE_LAUNCHER === undefined ? 'Install a current Node.js.' : "Run `pip install 'shardline[node]'`.";
  process.stderr.write(`shardline: error: This is Node.js ${process.version}; shardline needs Node.js 22.12 or later.\n  Fix: ${fix}\n`);
  process.exitCode = 4;
} else {
  // Compiling takes a third of the time until the program runs (measured). The cache saves it on the next start.
  const cache = process.env.XDG_CACHE_HOME || (process.env.HOME && join(process.env.HOME, '.cache'));
  if (cache) module.enableCompileCache(join(cache, 'shardline', 'node'));
  // A reader may exit early (`| head`), and a disk may be full. Neither must change what a run does, or its exit code.
  process.stdout.on('error', (problem: NodeJS.ErrnoException) => {
    if (problem.code !== 'EPIPE') process.stderr.write(`shardline: standard output could not be written: ${problem.message}\n`);
  });
  // There is no stream left to report this to.
  process.stderr.on('error', () => undefined);
  // Node.js ignores this signal when a file grows above a limit, but stops ignoring it once a library has added and removed a listener.
  // Writing too much must remain an error that shardline can report.
  process.on('SIGXFSZ', () => undefined);
  // ioredis would print the password of Redis. Any other value is the suite's, and stays as it is.
  const { DEBUG: debug = '' } = process.env;
  if (/(^|[\s,])(\*|ioredis)/.test(debug)) process.env.DEBUG = `${debug},-ioredis:*`;
  const { SHARDLINE_LAUNCHER: launcher } = process.env;
  delete process.env.SHARDLINE_LAUNCHER;
  // This import follows the version check, because an older Node.js cannot even parse these files.
  const { main } = await import('./main.ts');
  process.exitCode = await main({
    argv: process.argv.slice(2),
    env: process.env,
    launcher,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    program: [process.execPath, ...process.execArgv, process.argv[1] ?? ''],
    parent: () => process.ppid,
    abandon: (exitCode) => process.exit(exitCode),
    onSignal(signal, listener) {
      process.on(signal, listener);
      return () => process.off(signal, listener);
    },
  });
  // Otherwise Node.js writes the cache when it no longer handles signals, and a file above a limit ends it by SIGXFSZ.
  if (cache) module.flushCompileCache();
}
