// Runs git on addresses and commits that others chose: no prompts, no hooks, one protocol, a limit of time.

import { execa } from 'execa';
import { pytestEnvironment } from '../../shared/pytest/start-pytest.ts';
import { tailOf } from '../../shared/text/tail.ts';

/** Time for a first fetch of a large repository over a slow network. */
const GIT_MS = 15 * 60_000;
/** The end of git's own message that is kept, in characters. */
const PROBLEM_CHARS = 2000;
/** The list of all files of a very large repository. */
const OUTPUT_BYTES = 256 * 1024 * 1024;

/** Hooks and monitors would run code, and a background process would outlive the agent. */
const SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'gc.autoDetach=false',
  'maintenance.autoDetach=false',
  'submodule.recurse=false',
].flatMap((setting) => ['-c', setting]);

/** Variables that lead git away from the repository of its directory. */
const ELSEWHERE = /^GIT_(DIR|WORK_TREE|INDEX_FILE|COMMON_DIR|OBJECT_DIRECTORY|NAMESPACE|ALLOW_PROTOCOL)$/;

export interface GitCall {
  readonly cwd: string;
  readonly signal: AbortSignal;
  /** The only protocol that git may use; without one, it may not fetch. */
  readonly protocol?: string;
}

/** Returns what git prints. Throws an Error with git's own message, and the reason of the signal if it aborts. */
export async function git({ cwd, signal, protocol = '' }: GitCall, ...args: readonly string[]): Promise<string> {
  const inherited = Object.entries(pytestEnvironment(process.env)).filter(([name]) => !ELSEWHERE.test(name));
  const result = await execa('git', [...SETTINGS, ...args], {
    cwd,
    env: {
      // A program that would ask on a screen answers with nothing, so that git fails instead of waiting.
      GIT_ASKPASS: 'true',
      SSH_ASKPASS: 'true',
      GIT_SSH_COMMAND: 'ssh -oBatchMode=yes',
      ...Object.fromEntries(inherited),
      GIT_TERMINAL_PROMPT: '0',
      GIT_ALLOW_PROTOCOL: protocol,
    },
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    timeout: GIT_MS,
    cancelSignal: signal,
    maxBuffer: OUTPUT_BYTES,
  });
  signal.throwIfAborted();
  if (!result.failed) return result.stdout;
  if (result.timedOut) throw new Error(`git did not finish within ${GIT_MS / 60_000} minutes`);
  throw new Error(tailOf(withoutSecrets(result.stderr?.trim() || (result.shortMessage ?? '')), PROBLEM_CHARS));
}

/** git names the address after the rewriting rules of the user's configuration, which may add a password. */
const withoutSecrets = (text: string): string => text.replace(/:\/\/[^\s/@]+@/g, '://…@');
