// Runs one command of the comparison as a user would in an activated environment, and returns what it used.

import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { FAILED_AT } from './suites.ts';

const script = fileURLToPath(new URL('command.py', import.meta.url));

export interface Command {
  /** Of the environment. */
  readonly bin: string;
  readonly argv: readonly [program: string, ...args: string[]];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly limitSeconds: number;
  /** The text that reports the failing test, or null if the suite has none. */
  readonly failure: string | null;
  readonly watchesMemory: boolean;
}

export interface Used {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number | null;
  readonly firstFailureSeconds: number | null;
  /** Why the command did not run the suite, or null. A suite with failures is a suite that ran. */
  readonly failed: string | null;
}

/** Throws only if the measuring itself fails. */
export async function runCommand({ bin, argv, cwd, env, limitSeconds, failure, watchesMemory }: Command): Promise<Used> {
  const [program, ...args] = argv;
  await rm(join(cwd, FAILED_AT), { force: true });
  const options = JSON.stringify({ limitSeconds, failure, memory: watchesMemory });
  const { stdout } = await execa('python3', [script, options, join(bin, program), ...args], {
    cwd,
    env: { ...cleanEnvironment(bin), ...env },
    extendEnv: false,
    stdin: 'ignore',
    stderr: 'inherit',
  });
  const found = JSON.parse(stdout) as {
    readonly exitCode: number;
    readonly timedOut: boolean;
    readonly seconds: number;
    readonly cpuSeconds: number;
    readonly peakBytes: number | null;
    readonly failureReportedAt: number | null;
    readonly lingering: number;
    readonly tail: string;
  };
  return {
    seconds: found.seconds,
    cpuSeconds: found.cpuSeconds,
    peakBytes: found.peakBytes,
    firstFailureSeconds: failure === null ? null : await sinceFailure(cwd, found.failureReportedAt),
    failed: whyFailed(found),
  };
}

/** Null if the failure did not happen or was not reported. */
async function sinceFailure(cwd: string, reportedAt: number | null): Promise<number | null> {
  const text = await readFile(join(cwd, FAILED_AT), 'utf8').catch(() => null);
  return text === null || reportedAt === null ? null : reportedAt - Number(text);
}

function whyFailed(found: { exitCode: number; timedOut: boolean; lingering: number; tail: string }): string | null {
  if (found.timedOut) return 'did not end within the limit';
  if (found.exitCode !== 0 && found.exitCode !== 1) return `exit code ${found.exitCode}: ${found.tail.trim().split('\n').at(-1) ?? ''}`;
  return found.lingering > 0 ? `left ${found.lingering} processes` : null;
}

/** That of an interactive shell with the environment activated: nothing of npm, of CI or of this bench. */
function cleanEnvironment(bin: string): Record<string, string> {
  const kept = ['HOME', 'LANG', 'TMPDIR', 'USER'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(kept), PATH: `${bin}:${process.env.PATH ?? ''}`, VIRTUAL_ENV: join(bin, '..') };
}
