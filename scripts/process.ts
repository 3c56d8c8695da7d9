// How the repository's scripts start other programs, and how they say what they do.

import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { constants as system } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root, without a slash at its end. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** One line of progress on standard error. */
export const say = (line: string): void => console.error(`shardline: ${line}`);

/** What a script cannot mend by itself, in one sentence with the mend. */
export class SetupError extends Error {}

/** Runs a program with this one's input and output and passes SIGTERM on; its exit code, 128 + n for a signal, 127 where it is not there. */
export function run(command: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit', cwd: root, ...options });
    const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
    // SIGINT comes from the terminal to the whole group: the child ends, and we after it.
    const ignore = (): void => {};
    process.on('SIGTERM', forward).on('SIGHUP', forward).on('SIGINT', ignore);
    const end = (code: number): void => {
      process.off('SIGTERM', forward).off('SIGHUP', forward).off('SIGINT', ignore);
      resolve(code);
    };
    child.on('error', (error) => {
      say(`${command}: ${error.message}`);
      end(127);
    });
    child.on('exit', (code, signal) => end(signal === null ? (code ?? 1) : 128 + system.signals[signal]));
  });
}

/** Runs a short program silently: whether it ended with 0, and all it printed. */
export function capture(command: string, args: readonly string[]): { ok: boolean; output: string } {
  const result = spawnSync(command, args, { encoding: 'utf8', cwd: root });
  if (result.error !== undefined) return { ok: false, output: result.error.message };
  return { ok: result.status === 0, output: `${result.stdout}${result.stderr}` };
}

/** Whether a program of that name is on PATH. */
export function isOnPath(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((dir) => {
    try {
      accessSync(join(dir, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Runs a script's main function: its result is the exit code, a SetupError one sentence and exit code 1. */
export async function main(script: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await script();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
