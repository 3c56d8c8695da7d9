// Starts and stops the agents of a command on its own machine. Each one is `shardline agent`, for one run or for all runs of a pool.

import { createInterface } from 'node:readline';
import { execa } from 'execa';
import type { AgentId, RunId } from '../shared/domain/ids.ts';

export interface LocalAgentsRequest {
  readonly names: readonly AgentId[];
  /** The only run that they serve; null for every run of the pool. */
  readonly runId: RunId | null;
  readonly pool: string;
  readonly redisUrl: string;
  /** Command that starts this program: interpreter, its options, the script. */
  readonly program: readonly [string, ...string[]];
  /** Extra flags of `shardline agent`, besides those set here. */
  readonly flags: readonly string[];
  readonly cwd: string;
  /** How long a stopping agent may take to hand back its attempts before it is killed. */
  readonly leaveMs: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface LocalAgents extends AsyncDisposable {
  /** Resolves when all agents have ended, with one message per agent that failed. */
  readonly ended: Promise<readonly string[]>;
  /**
   * Passes each line of the agents' standard error to `say`, first the lines buffered so far. Agents stay quiet until then: if the run
   * cannot start, the coordinator reports the cause, and each agent would repeat it.
   */
  speak(say: (line: string) => void): void;
}

/**
 * Starts one agent per name. The URL goes through the environment because other users can read a command line. Each agent reads a pipe on
 * its standard input and leaves when the pipe closes, so no agent outlives this process, even if it is killed.
 */
export function startLocalAgents(request: LocalAgentsRequest): LocalAgents {
  const [interpreter, ...script] = request.program;
  const runs = request.runId === null ? [] : ['--once', '--run', request.runId];
  const agents = request.names.map((name) =>
    execa(interpreter, [...script, 'agent', '--owned', ...runs, '--pool', request.pool, '--name', name, ...request.flags], {
      cwd: request.cwd,
      env: { ...withoutSettings(request.env), SHARDLINE_REDIS_URL: request.redisUrl },
      extendEnv: false,
      stdin: 'pipe',
      stdout: 'ignore',
      stderr: 'pipe',
      buffer: false,
      reject: false,
      // Ctrl-C reaches only the coordinator, which decides; agents receive the decision through the run.
      detached: true,
      cleanup: true,
    }),
  );
  const { receive, speak } = holdBack();
  for (const agent of agents) createInterface(agent.stderr).on('line', receive);
  const ended = Promise.all(agents).then((results) =>
    results.flatMap((result, index) => (result.failed ? [`agent ${request.names[index]} ${howItEnded(result)}`] : [])),
  );
  return {
    ended,
    speak,
    async [Symbol.asyncDispose]() {
      for (const agent of agents) agent.stdin.end();
      const kill = setTimeout(() => {
        for (const agent of agents) agent.kill('SIGKILL');
      }, request.leaveMs());
      try {
        await ended;
      } finally {
        clearTimeout(kill);
      }
    },
  };
}

/** Buffers lines until `speak`, then drops repeats: agents on one machine report the same problems. */
function holdBack(): { readonly receive: (line: string) => void; readonly speak: LocalAgents['speak'] } {
  const said = new Set<string>();
  const held: string[] = [];
  let say: ((line: string) => void) | null = null;
  const receive = (line: string): void => {
    const text = line.replace(OWN_NAME, '');
    if (say === null) held.push(line);
    else if (text === line || said.size < said.add(text).size) say(line);
  };
  return {
    receive,
    speak(listener) {
      say = listener;
      for (const line of held.splice(0)) receive(line);
    },
  };
}

/** Prefix of an agent's own messages; see agent/commands/agent.ts. */
const OWN_NAME = /^shardline agent [^ ]+: /;

const howItEnded = (result: {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly shortMessage?: string | undefined;
}): string =>
  result.exitCode === undefined
    ? `ended by ${result.signal ?? result.shortMessage ?? 'an unknown cause'}`
    : `ended with exit code ${result.exitCode}`;

/** Drops `SHARDLINE_*` settings: this command has read them, and agents get theirs as flags. */
function withoutSettings(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('SHARDLINE_')));
}
