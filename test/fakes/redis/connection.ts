// One connection from a process to the server, like one of ioredis: commands arrive in the order in which they were sent, and a broken connection
// reconnects and sends every command without an answer again. So a command whose answer was lost runs twice. Two connections have no common order.

import type { Process } from './process.ts';
import type { RedisServer, ServerEnd } from './server.ts';

/** The network between a process and the server. Milliseconds. */
export interface Network {
  /** How long a message sent now takes. */
  delayMs(process: Process): number;
  /** How long a new connection takes. */
  connectMs(process: Process): number;
}

export interface Connection {
  /** Runs `execute` on the server, once or more often, and resolves with its answer. */
  request<Answer>(execute: () => Answer): Promise<Answer>;
  /** Like a blocking command, waits on the server until `find` finds something; null after `blockMs`. */
  block<Found>(find: () => Found | null, blockMs: number): Promise<Found | null>;
  /** How many times it has connected. */
  generation(): number;
  /** Commands without an answer get none. */
  close(): void;
}

interface Command {
  /** Runs on the server: calls `answer` once, now or later. If it waits, returns a function that stops the wait. */
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

/** Breaks every connection of a process, as the server notices when a process dies. */
export function endConnections(server: RedisServer, owner: Process): void {
  for (const connection of [...server.connections]) if (connection.owner === owner) connection.break();
}
