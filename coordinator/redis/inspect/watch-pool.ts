// Observes the runs of a pool: reads the pool's registry and each open run's events, and writes nothing.

import type { Redis } from 'ioredis';
import type { RunEvent } from '../../../shared/domain/events.ts';
import type { RunId } from '../../../shared/domain/ids.ts';
import type { RunSpec } from '../../../shared/domain/run-spec.ts';
import { messageOf } from '../../../shared/errors.ts';
import { poolKeys, runKeys } from '../../../shared/redis/keys.ts';
import { readStream } from '../../../shared/redis/read-stream.ts';
import { readId, runIdSchema } from '../../../shared/wire/parse.ts';
import type { RunNote } from '../../../shared/wire/run-note.ts';
import { decodeSpec } from '../../../shared/wire/run-spec.ts';
import { NO_VERIFIER } from '../../../shared/wire/signature.ts';
import { readEntry } from '../stream-entry.ts';
import { readNote } from './run-notes.ts';

export interface PoolWatcher {
  readonly onOpened: (spec: RunSpec) => void;
  readonly onEvents: (run: RunId, events: readonly RunEvent[]) => void;
  readonly onClosed: (run: RunId) => void;
  /** Receives how far an open run is, about once a second, and once how it ended. */
  readonly onNote: (run: RunId, note: RunNote) => void;
  /** Receives the problem if a run cannot be read, for example events of a newer version; the watcher stops following that run. */
  readonly onProblem: (run: RunId, problem: string) => void;
}

const READ_BATCHES = 200;
/** Openings per read. */
const OPENINGS = 100;
/** How long to wait for the last note of a closed run, in milliseconds. Its coordinator writes the reports first. */
const LAST_NOTE_MS = 60_000;

const eventsIn = (entry: ReturnType<typeof readEntry>): readonly RunEvent[] => (entry.kind === 'events' ? entry.events : []);

/** Follows the pool until `signal` aborts, across failures of Redis. */
export async function watchPool(redis: Redis, pool: string, watcher: PoolWatcher, signal: AbortSignal): Promise<void> {
  const { runs, opened } = poolKeys(pool);
  const followed = new Map<RunId, { stop: AbortController; followed: Promise<void> }>();
  /** Closed runs without a last note, and until when to wait for it. */
  const ending = new Map<RunId, number>();

  const look = async (): Promise<void> => {
    const specs = await redis.hgetall(runs);
    for (const [name, text] of Object.entries(specs)) {
      for (const id of readId(runIdSchema, name)) if (!followed.has(id)) open(id, text);
    }
    for (const [id, run] of followed) {
      if (id in specs) continue;
      followed.delete(id);
      run.stop.abort();
      await run.followed;
      watcher.onClosed(id);
      ending.set(id, performance.now() + LAST_NOTE_MS);
    }
    for (const id of [...followed.keys(), ...ending.keys()]) await lookAtNote(id);
  };
  const lookAtNote = async (id: RunId): Promise<void> => {
    const note = await readNote(redis, id);
    // The note of an earlier coordinator may say that a resumed run has ended.
    if (note !== null && (note.state.kind === 'ended') === ending.has(id)) watcher.onNote(id, note);
    if (note?.state.kind === 'ended' || performance.now() > (ending.get(id) ?? Number.POSITIVE_INFINITY)) ending.delete(id);
  };
  const open = (id: RunId, text: string): void => {
    ending.delete(id);
    const stop = new AbortController();
    followed.set(id, { stop, followed: follow(id, text, AbortSignal.any([signal, stop.signal])) });
  };
  const follow = async (id: RunId, text: string, until: AbortSignal): Promise<void> => {
    try {
      watcher.onOpened(decodeSpec(text, { pool, run: id, verifier: NO_VERIFIER }, `run ${id} of pool ${pool}`));
      for await (const entries of readStream(redis, runKeys(id).events, '0', READ_BATCHES, until)) {
        // The run's coordinator reports messages that cannot be read.
        const events = entries.flatMap((entry) => eventsIn(readEntry(entry, { pool, run: id, verifier: NO_VERIFIER })));
        if (events.length > 0) watcher.onEvents(id, events);
      }
    } catch (thrown) {
      watcher.onProblem(id, messageOf(thrown));
    }
  };

  // Read from the beginning: an old entry only causes one extra look. Without entries there is one look per second.
  for await (const _ of readStream(redis, opened, '0', OPENINGS, signal)) await look();
  await Promise.all([...followed.values()].map((run) => run.followed));
}
