// The coordinator's commands to an agent in one run, from the first one on. Commands that arrive before the session is open wait for it.

import type { ControlCommand } from '../shared/domain/control.ts';
import type { AgentId } from '../shared/domain/ids.ts';
import type { HowToCollect } from '../shared/domain/suite/suite-list.ts';
import { type JoinedRun, RunOver } from './ports.ts';

export interface RunControl {
  /** How to collect the suite. Rejects when the run ends, or the agent is dismissed, before the coordinator decides. */
  readonly collect: Promise<HowToCollect>;
  /** Resolves when the run is over for this agent. */
  readonly closed: Promise<void>;
  /** Why the coordinator dismissed this agent; null if it did not. */
  dismissal(): string | null;
  /** Whether the coordinator already has the list with this hash. */
  isKnown(hash: string): boolean;
  /** Passes every command to `act`, the early ones first, until it returns false. Settles when the reading ends. */
  follow(act: (command: ControlCommand) => boolean): Promise<void>;
}

/**
 * Reads the run's commands to `agent` until `signal` aborts. Calls `again` when the coordinator repeats how to collect the suite: another
 * coordinator took over the run, or Redis lost the run, and with it possibly what this agent has reported about itself. Also calls it when the
 * coordinator does not know this agent.
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
      else if (command.kind === 'introduce-agent' && command.agent === agent) again();
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
