// Helpers for the repository's scripts: start programs and print progress.

import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { constants as system } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root, without a trailing slash. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** Prints one line of progress to standard error. */
export const say = (line: string): void => console.error(`shardline: ${line}`);

/** A problem that a script cannot fix by itself. The message is one sentence and includes the fix. */
export class SetupError extends Error {}

/**
 * Runs a program with this process's input and output and forwards SIGTERM. Resolves with its exit code: 128 + n for a signal, 127 if the
 * program does not exist.
 */
export function run(command: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit', cwd: root, ...options });
    const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
    // The terminal sends SIGINT to the whole process group. The child exits first, then this process.
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

/** Runs a short program silently. Returns whether it exited with 0, and all its output. */
export function capture(command: string, args: readonly string[], { cwd = root } = {}): { ok: boolean; output: string } {
  const result = spawnSync(command, args, { encoding: 'utf8', cwd });
  if (result.error !== undefined) return { ok: false, output: result.error.message };
  return { ok: result.status === 0, output: `${result.stdout}${result.stderr}` };
}

/** True if a program of that name is on PATH. */
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

/** Runs a script's main function. Its result is the exit code. A SetupError prints its message and exits with 1. */
export async function main(script: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await script();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
