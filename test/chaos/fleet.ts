// The processes that a storm hits: agents, each with its own link and replaced when it is gone, and one coordinator.

import type { CollectMode } from '../../shared/domain/suite/suite-list.ts';
import type { Project } from '../support/shardline.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

type Command = ReturnType<Project['shardline']>;

/** A process behind a link that can be cut. */
export interface Member {
  readonly name: string;
  readonly link: TcpProxy;
  /** Every command started under this name. Only the last one may still run. */
  readonly commands: Command[];
  /** Whether SIGSTOP has stopped it. */
  isFrozen: boolean;
  /** All of its output, and the length of that output when the last command started. */
  said: string;
  saidBefore: number;
}

export interface Fleet extends AsyncDisposable {
  readonly agents: readonly Member[];
  readonly coordinator: Member;
  startAgent(agent: Member): void;
  /** Stops restarting agents. */
  close(): void;
  /** Starts the run, or resumes it once it has an id. */
  startCoordinator(): void;
}

export const isUp = (member: Member): boolean => {
  const last = member.commands.at(-1)?.nodeChildProcess;
  return last !== undefined && last.exitCode === null && last.signalCode === null;
};

/** Does the coordinator that started last hold the run? Until then, an earlier one that was frozen would take the run over when it wakes. */
export const hasTheRun = ({ said, saidBefore }: Member): boolean => /^(Run [a-z0-9-]+:|Resumed run )/m.test(said.slice(saidBefore));

export function signal(member: Member, name: NodeJS.Signals): void {
  if (name === 'SIGSTOP' || name === 'SIGCONT') member.isFrozen = name === 'SIGSTOP';
  if (isUp(member)) member.commands.at(-1)?.kill(name);
}

/** Waits until the last process of that name has ended, and returns its exit code. */
export async function endOf(member: Member): Promise<number | null> {
  const result = await member.commands.at(-1);
  return result?.exitCode ?? null;
}

/** Every process started here has `mark` in its environment, so that a process that outlives the run can be found. */
export async function makeFleet(project: Project, redisPort: number, agents: number, mark: string, collect: CollectMode): Promise<Fleet> {
  const member = async (name: string): Promise<Member> => ({
    name,
    link: await startTcpProxy(redisPort),
    commands: [],
    isFrozen: false,
    said: '',
    saidBefore: 0,
  });
  let isClosing = false;
  const start = (to: Member, argv: readonly string[]): void => {
    const command = project.shardline(argv, { SHARDLINE_REDIS_URL: `redis://127.0.0.1:${to.link.port}`, CHAOS_MARK: mark });
    command.all.on('data', (chunk: Buffer) => {
      to.said += chunk.toString();
    });
    to.commands.push(command);
    to.saidBefore = to.said.length;
    // Like a supervisor of agents, restart an agent that found no Redis.
    if (argv[0] === 'agent') {
      void command.then(({ exitCode }) => {
        if (exitCode === 4 && !isClosing) setTimeout(() => start(to, argv), 500);
      });
    }
    to.isFrozen = false;
  };
  const members = await Promise.all(Array.from({ length: agents }, (_, index) => member(`agent-${index + 1}`)));
  const coordinator = await member('coordinator');
  return {
    agents: members,
    coordinator,
    startAgent: (agent) => start(agent, ['agent', '--name', agent.name, '-n', '1']),
    close() {
      isClosing = true;
    },
    startCoordinator() {
      const id = /^Run ([a-z0-9-]+):/m.exec(coordinator.said)?.[1];
      const own = id === undefined ? ['--collect', collect] : ['--resume', id];
      start(coordinator, ['run', ...own, '--out', 'out', '--wait-agents', '40s', '--redis-wait', '30s', '--verbose']);
    },
    async [Symbol.asyncDispose]() {
      for (const each of [...members, coordinator]) {
        for (const command of each.commands) command.kill('SIGKILL');
        await Promise.all(each.commands);
        await each.link[Symbol.asyncDispose]();
      }
    },
  };
}
