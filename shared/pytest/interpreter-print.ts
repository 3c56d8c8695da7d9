// What an interpreter would run tests with, without starting pytest.

import { execa } from 'execa';
import { z } from 'zod';
import { reasonOf, ShardlineError } from '../errors.ts';
import { asUser, type OtherUser } from '../system/other-user.ts';
import { checked, parseJson } from '../wire/parse.ts';
import { interpreterPath } from './plugin-path.ts';

const PRINT_MS = 30_000;

export interface InterpreterPrint {
  /** For example `cpython 3.12`. */
  readonly python: string;
  /** For example `linux-x86_64`. */
  readonly platform: string;
  /** Versions by name: pytest, empty if it is missing, and every installed plugin. */
  readonly plugins: Readonly<Record<string, string>>;
}

const printSchema = z.object({ python: z.string(), platform: z.string(), plugins: z.record(z.string(), z.string()) });

/** Throws `no-python`, and `bad-message` for an interpreter that prints something else. `user` runs it; null for this process's own. */
export async function printInterpreter(
  python: string,
  workspace: string,
  signal: AbortSignal,
  user: OtherUser | null = null,
): Promise<InterpreterPrint> {
  const source = `the description of ${python}`;
  try {
    const { stdout } = await execa(python, [interpreterPath()], {
      ...asUser(user, process.env),
      cwd: workspace,
      stdin: 'ignore',
      timeout: PRINT_MS,
      cancelSignal: signal,
    });
    return checked(printSchema, parseJson(stdout, source), source);
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof ShardlineError) throw thrown;
    throw new ShardlineError('no-python', { python, problem: reasonOf(thrown) }, { cause: thrown });
  }
}
