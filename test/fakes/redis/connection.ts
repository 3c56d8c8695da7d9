// One connection from a process to the server, as ioredis keeps it: commands arrive in the order they were sent, a broken connection is made again, and
// then everything without an answer is sent again. So a command whose answer was lost is done twice. Two connections keep no order between them.

import type { Process } from './process.ts';
import type { RedisServer, ServerEnd } from './server.ts';

/** What lies between a process and the server. Milliseconds. */
export interface Network {
  /** How long a message takes that is sent now. */
  delayMs(process: Process): number;
  /** How long it takes to connect again. */
  connectMs(process: Process): number;
}

export interface Connection {
  /** Resolves with what the server answers; `execute` runs there, once or more often. */
  request<Answer>(execute: () => Answer): Promise<Answer>;
  /** As a blocking command: waits there for `find` to find something, for `blockMs` at most; null then. */
  block<Found>(find: () => Found | null, blockMs: number): Promise<Found | null>;
  /** How often it was made. */
  generation(): number;
  /** What has no answer gets none. */
  close(): void;
}

interface Command {
  /** On the server: calls `answer` once, now or later; gives what stops it before, where it waits. */
  readonly arrive: (answer: (settle: () => void) => void) => (() => void) | null;
}

export function openConnection(server: RedisServer, owner: Process, network: Network, listensTo: string | null = null): Connection {
  const { schedule } = server;
  const pending = new Set<Command>();
  let generation = 0;
  let isOpen = false;
  let isClosed = false;
  let lastArrivalAt = 0;
  let lastAnswerAt = 0;
  const stops = new Set<() => void>();

  const end: ServerEnd = {
    owner,
    listensTo,
    break() {
      drop();
      owner.resume(connect);
    },
  };

  function drop(): void {
    isOpen = false;
    generation += 1;
    server.connections.delete(end);
    for (const stop of stops) stop();
    stops.clear();
  }

  function connect(): void {
    if (isClosed) return;
    const own = generation;
    const again = Math.max(network.connectMs(owner), server.upAt() - schedule.now());
    schedule.after(again, () =>
      owner.resume(() => {
        if (isClosed || own !== generation || isOpen) return;
        if (!server.isUp()) {
          connect();
          return;
        }
        isOpen = true;
        server.connections.add(end);
        for (const command of pending) send(command);
      }),
    );
  }

  function send(command: Command): void {
    const own = generation;
    lastArrivalAt = Math.max(lastArrivalAt, schedule.now() + network.delayMs(owner));
    schedule.after(lastArrivalAt - schedule.now(), () => {
      if (own !== generation) return;
      const stop = command.arrive((settle) => {
        lastAnswerAt = Math.max(lastAnswerAt, schedule.now() + network.delayMs(owner));
        schedule.after(lastAnswerAt - schedule.now(), () =>
          owner.resume(() => {
            if (own !== generation || !pending.delete(command)) return;
            settle();
          }),
        );
      });
      if (stop !== null) stops.add(stop);
    });
  }

  function submit(command: Command): void {
    if (isClosed) return;
    pending.add(command);
    if (isOpen) send(command);
  }

  connect();
  return {
    request: (execute) =>
      new Promise((resolve, reject) => {
        submit({
          arrive(answer) {
            try {
              const value = execute();
              answer(() => resolve(value));
            } catch (thrown) {
              answer(() => reject(thrown));
            }
            return null;
          },
        });
      }),
    block: (find, blockMs) =>
      new Promise((resolve) => {
        submit({
          arrive(answer) {
            const found = find();
            if (found !== null) {
              answer(() => resolve(found));
              return null;
            }
            const stop = (): void => {
              stops.delete(stop);
              stopWatching();
              stopTimer();
            };
            const stopWatching = server.onChange(() => {
              const late = find();
              if (late === null) return;
              stop();
              answer(() => resolve(late));
            });
            const stopTimer = schedule.after(blockMs, () => {
              stop();
              answer(() => resolve(null));
            });
            return stop;
          },
        });
      }),
    generation: () => generation,
    close() {
      isClosed = true;
      drop();
    },
  };
}

/** The connections of a process that is gone: the server sees their end, unless the machine went with it. */
export function endConnections(server: RedisServer, owner: Process): void {
  for (const connection of [...server.connections]) if (connection.owner === owner) connection.break();
}
