// What the coordinator asks of an agent in one run, from the first command on: commands that come before the session is up wait for it.

import type { ControlCommand } from '../shared/domain/control.ts';
import type { AgentId } from '../shared/domain/ids.ts';
import type { HowToCollect } from '../shared/domain/suite-list.ts';
import { type JoinedRun, RunOver } from './ports.ts';

export interface RunControl {
  /** How the suite is collected. Rejects when the run ends, or this agent is dismissed, before that is known. */
  readonly collect: Promise<HowToCollect>;
  /** Resolves when the run is over for this agent. */
  readonly closed: Promise<void>;
  /** Why this agent was dismissed; null while it was not. */
  dismissal(): string | null;
  /** Is this the hash of the list that the coordinator has? */
  isKnown(hash: string): boolean;
  /** Passes every command to `act`, those that came before first, until it returns false. Settles with the reading. */
  follow(act: (command: ControlCommand) => boolean): Promise<void>;
}

/**
 * Reads the run's commands to `agent` until `signal` aborts. `again` is called when the coordinator says once more how the suite is collected: another
 * one has taken the run over, or Redis lost it, and with it maybe what this agent has said of itself.
 */
export function followControl(
  run: Pick<JoinedRun, 'commands'>,
  agent: AgentId,
  signal: AbortSignal,
  again: () => void = () => undefined,
): RunControl {
  const collect = Promise.withResolvers<HowToCollect>();
  collect.promise.catch(() => undefined);
  const closed = Promise.withResolvers<void>();
  const known = new Set<string>();
  const early: ControlCommand[] = [];
  let dismissal: string | null = null;
  let isCollectKnown = false;
  let act = (command: ControlCommand): boolean => {
    early.push(command);
    return true;
  };
  const reading = (async () => {
    for await (const command of run.commands(signal)) {
      if (command.kind === 'collect') {
        if (isCollectKnown) again();
        isCollectKnown = true;
        collect.resolve(command.how);
      } else if (command.kind === 'list-known') known.add(command.hash);
      const isDismissal = command.kind === 'dismiss-agent' && command.agent === agent;
      if (isDismissal) dismissal = command.problem;
      if (command.kind === 'close-run' || isDismissal) {
        collect.reject(new RunOver());
        closed.resolve();
      }
      if (!act(command)) return;
    }
    collect.reject(new RunOver());
  })();
  reading.catch((thrown: unknown) => collect.reject(thrown));
  return {
    collect: collect.promise,
    closed: closed.promise,
    dismissal: () => dismissal,
    isKnown: (hash) => known.has(hash),
    async follow(next) {
      for (const command of early) if (!next(command)) return;
      act = next;
      await reading;
    },
  };
}
