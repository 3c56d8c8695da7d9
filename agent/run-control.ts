// What the coordinator asks of an agent in one run, from the first command on: commands that come before the session is up wait for it.

import type { ControlCommand } from '../shared/control.ts';
import type { HowToCollect } from '../shared/suite-list.ts';
import { type JoinedRun, RunOver } from './ports.ts';

export interface RunControl {
  /** How the suite is collected. Rejects when the run ends before that is known. */
  readonly collect: Promise<HowToCollect>;
  /** Resolves when the run is over. */
  readonly closed: Promise<void>;
  /** Is this the hash of the list that the coordinator has? */
  isKnown(hash: string): boolean;
  /** Passes every command to `act`, those that came before first, until it returns false. Settles with the reading. */
  follow(act: (command: ControlCommand) => boolean): Promise<void>;
}

/** Reads the run's commands until `signal` aborts. */
export function followControl(run: Pick<JoinedRun, 'commands'>, signal: AbortSignal): RunControl {
  const collect = Promise.withResolvers<HowToCollect>();
  collect.promise.catch(() => undefined);
  const closed = Promise.withResolvers<void>();
  const known = new Set<string>();
  const early: ControlCommand[] = [];
  let act = (command: ControlCommand): boolean => {
    early.push(command);
    return true;
  };
  const reading = (async () => {
    for await (const command of run.commands(signal)) {
      if (command.kind === 'collect') collect.resolve(command.how);
      else if (command.kind === 'list-known') known.add(command.hash);
      else if (command.kind === 'close-run') {
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
    isKnown: (hash) => known.has(hash),
    async follow(next) {
      for (const command of early) if (!next(command)) return;
      act = next;
      await reading;
    },
  };
}
