// Runs `shardline ci` as a step of a job. GitHub Actions signals only the process that it started, which is this one: it passes the signal
// on, and waits until shardline has written its reports.

import { spawn } from 'node:child_process';
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';

/** Without the inputs, so that no test sees the Redis of the jobs. */
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('INPUT_')));

/** The value of an input; GitHub Actions writes names in capitals. */
const input = (name) => (process.env[`INPUT_${name.toUpperCase()}`] ?? '').trim();
const lines = (name) =>
  input(name)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
const option = (name) => (input(name) === '' ? [] : [`--${name}`, input(name)]);

/** Appends to a file that GitHub Actions names in the environment. No value has a line break. */
function tell(file, name, value) {
  const path = process.env[file];
  if (path) appendFileSync(path, `${name}=${value}\n`);
}

/** Resolves with the exit code of the program. */
function run(program, args, env = environment) {
  const child = spawn(program, args, { stdio: 'inherit', env });
  tell('GITHUB_STATE', 'pid', child.pid ?? '');
  const pass = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, pass);
  return new Promise((resolve) => {
    child.on('error', (problem) => {
      process.stdout.write(`::error::Could not start ${program}: ${problem.message}\n`);
      resolve(4);
    });
    child.on('exit', (code) => {
      for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, pass);
      // Another process may get this number before the post step.
      tell('GITHUB_STATE', 'pid', '');
      resolve(code ?? 2);
    });
  });
}

const requirement = input('install');
const installed = requirement === '' ? 0 : await run('python', ['-m', 'pip', 'install', '--quiet', requirement]);
if (installed !== 0) process.exit(installed);

const [out = 'shardline-report'] = lines('out');
const rest = lines('pytest-args');
const args = ['ci', ...lines('paths'), ...option('shard'), ...option('run-id'), ...lines('options'), '--out', out, '--github'];
const redis = input('redis-url');
const env = redis === '' ? environment : { ...environment, SHARDLINE_REDIS_URL: redis };
const exitCode = await run('shardline', rest.length === 0 ? args : [...args, '--', ...rest], env);
tell('GITHUB_OUTPUT', 'exit-code', exitCode);
tell('GITHUB_OUTPUT', 'report', existsSync(join(out, 'report.json')) ? out : '');
process.exit(exitCode);
