// What an interpreter would run tests with, without starting pytest.

import { execa } from 'execa';
import { reasonOf, ShardlineError } from '../errors.ts';
import { interpreterPath } from './plugin-path.ts';

const PRINT_MS = 30_000;

/** Equal for interpreters with the same Python, platform, pytest and installed plugins. Throws `no-python`. */
export async function printInterpreter(python: string, workspace: string, signal: AbortSignal): Promise<string> {
  try {
    const { stdout } = await execa(python, [interpreterPath()], {
      cwd: workspace,
      stdin: 'ignore',
      timeout: PRINT_MS,
      cancelSignal: signal,
    });
    return stdout.trim();
  } catch (thrown) {
    signal.throwIfAborted();
    throw new ShardlineError('no-python', { python, problem: reasonOf(thrown) }, { cause: thrown });
  }
}
