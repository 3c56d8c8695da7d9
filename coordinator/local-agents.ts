// Starts and stops the agents of a command on its own machine. Each one is `shardline agent`, for one run or for all runs of a pool. A single
// agent of one run needs no process of its own.

import { createInterface } from 'node:readline';
import { PassThrough, type Readable } from 'node:stream';
import { execa } from 'execa';
import type { AgentId, RunId } from '../shared/domain/ids.ts';
import type { Edge } from '../shared/system/edge.ts';

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
  /** Runs a single agent of one run in this process; null to start a process for each. */
  readonly beside: Edge['beside'] | null;
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

/** One started agent. */
interface LocalAgent {
  /** How it ended, if it failed; null if it did not. */
  readonly ended: Promise<string | null>;
  readonly stderr: Readable;
  leave(): void;
  kill(): void;
}

/**
 * Starts one agent per name. The URL goes through the environment because other users can read a command line. Each agent reads its standard
 * input and leaves when it closes, so no agent outlives this process, even if it is killed.
 */
export function startLocalAgents(request: LocalAgentsRequest): LocalAgents {
  const { names, beside, runId } = request;
  const isAlone = names.length === 1 && runId !== null;
  const agents = names.map((name) => (isAlone && beside !== null ? inThisProcess(request, name, beside) : inOwnProcess(request, name)));
  const { receive, speak } = holdBack();
  for (const agent of agents) createInterface(agent.stderr).on('line', receive);
  const ended = Promise.all(agents.map((agent) => agent.ended)).then((ends) =>
    ends.flatMap((end, index) => (end === null ? [] : [`agent ${names[index]} ${end}`])),
  );
  return {
    ended,
    speak,
    async [Symbol.asyncDispose]() {
      for (const agent of agents) agent.leave();
      const kill = setTimeout(() => {
        for (const agent of agents) agent.kill();
      }, request.leaveMs());
      try {
        await ended;
      } finally {
        clearTimeout(kill);
      }
    },
  };
}

const argumentsOf = ({ runId, pool, flags }: LocalAgentsRequest, name: AgentId): readonly string[] => {
  const runs = runId === null ? [] : ['--once', '--run', runId];
  return ['agent', '--owned', ...runs, '--pool', pool, '--name', name, ...flags];
};

const environmentOf = ({ env, redisUrl }: LocalAgentsRequest) => ({ ...withoutSettings(env), SHARDLINE_REDIS_URL: redisUrl });

function inOwnProcess(request: LocalAgentsRequest, name: AgentId): LocalAgent {
  const [interpreter, ...script] = request.program;
  const agent = execa(interpreter, [...script, ...argumentsOf(request, name)], {
    cwd: request.cwd,
    env: environmentOf(request),
    extendEnv: false,
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    // Ctrl-C reaches only the coordinator, which decides; agents receive the decision through the run.
    detached: true,
    cleanup: true,
  });
  return {
    ended: agent.then((result) => (result.failed ? howItEnded(result) : null)),
    stderr: agent.stderr,
    leave: () => void agent.stdin.end(),
    kill: () => void agent.kill('SIGKILL'),
  };
}

/** Saves the start of a Node.js, which takes longer than a small suite. What it leaves ends with this process. */
function inThisProcess(request: LocalAgentsRequest, name: AgentId, beside: Edge['beside']): LocalAgent {
  const [stdin, stderr] = [new PassThrough(), new PassThrough()];
  const killed = Promise.withResolvers<string>();
  const ended = beside({ argv: argumentsOf(request, name), env: environmentOf(request), stdin, stderr }).then((exitCode) =>
    exitCode === 0 ? null : howItEnded({ exitCode }),
  );
  return {
    ended: Promise.race([ended, killed.promise]),
    stderr,
    leave: () => void stdin.end(),
    kill: () => killed.resolve('did not leave in time'),
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
