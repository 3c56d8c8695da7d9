// The agents that a run starts on its own machine: each is `shardline agent --once` for this run. Whoever starts them stops them.

import { createInterface } from 'node:readline';
import { execa } from 'execa';
import type { AgentId, RunId } from '../shared/domain/ids.ts';

export interface LocalAgentsRequest {
  readonly names: readonly AgentId[];
  readonly runId: RunId;
  readonly pool: string;
  readonly redisUrl: string;
  /** How this program itself is started: interpreter, its options, the script. */
  readonly program: readonly [string, ...string[]];
  /** Flags of `shardline agent` besides those made here. */
  readonly flags: readonly string[];
  readonly cwd: string;
  /** How long an agent that is asked to leave now may take to hand back what it holds before it is killed. */
  readonly leaveMs: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface LocalAgents extends AsyncDisposable {
  /** Resolves when none of them runs any more, with what the failed ones ended with. */
  readonly ended: Promise<readonly string[]>;
  /**
   * Lets the agents be heard: `say` gets each line that one writes on its standard error. Until then what they say is held back: where a run cannot
   * begin, the coordinator tells why, and what agents suffer from the same cause is no second mistake.
   */
  speak(say: (line: string) => void): void;
}

/**
 * Starts one agent per name. The URL goes by environment, where other users cannot read it. Each agent holds the other end of a pipe as its standard
 * input and leaves when it closes: it cannot outlive this process, however this process ends.
 */
export function startLocalAgents(request: LocalAgentsRequest): LocalAgents {
  const [interpreter, ...script] = request.program;
  const agents = request.names.map((name) =>
    execa(interpreter, [...script, 'agent', '--once', '--run', request.runId, '--pool', request.pool, '--name', name, ...request.flags], {
      cwd: request.cwd,
      env: { ...withoutSettings(request.env), SHARDLINE_REDIS_URL: request.redisUrl },
      extendEnv: false,
      stdin: 'pipe',
      stdout: 'ignore',
      stderr: 'pipe',
      buffer: false,
      reject: false,
      // An interrupt typed at the terminal reaches the coordinator, which decides; the agents hear of it through their run.
      detached: true,
      cleanup: true,
    }),
  );
  const { hear, speak } = holdBack();
  for (const agent of agents) createInterface(agent.stderr).on('line', hear);
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

/** Agents on one machine suffer the same: what one has said already is not said for another. */
function holdBack(): { readonly hear: (line: string) => void; readonly speak: LocalAgents['speak'] } {
  const said = new Set<string>();
  const held: string[] = [];
  let say: ((line: string) => void) | null = null;
  const hear = (line: string): void => {
    const text = line.replace(OWN_NAME, '');
    if (say === null) held.push(line);
    else if (text === line || said.size < said.add(text).size) say(line);
  };
  return {
    hear,
    speak(listener) {
      say = listener;
      for (const line of held.splice(0)) hear(line);
    },
  };
}

/** How an agent begins what it says to its user; see agent/commands/agent.ts. */
const OWN_NAME = /^shardline agent [^ ]+: /;

const howItEnded = (result: {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly shortMessage?: string | undefined;
}): string =>
  result.exitCode === undefined
    ? `ended by ${result.signal ?? result.shortMessage ?? 'an unknown cause'}`
    : `ended with exit code ${result.exitCode}`;

/** Settings in the environment were meant for this command and have been read; an agent gets its own as flags. */
function withoutSettings(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('SHARDLINE_')));
}
