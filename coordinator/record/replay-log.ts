// Replays a run log: reduces each event as it is read, so that no log has to fit into memory.

import type { LogRecord } from '../../shared/wire/run-log.ts';
import { NO_VERIFIER, type Verifier } from '../../shared/wire/signature.ts';
import { type AgentKeys, type NotedKeys, noteKey } from '../../shared/wire/trust/agent-keys.ts';
import type { Change } from '../core/state/changes.ts';
import type { CoordinatorEvent } from '../core/state/events.ts';
import { beginReplay, type Recorded, type Replay } from '../core/state/replay.ts';
import type { RunState } from '../core/state/run-state.ts';
import { decodeLog } from './record-codec.ts';

export interface ReplayedLog extends Recorded {
  /** The number of the last record. */
  readonly seq: number;
  /** The keys of the run's agents, as its coordinators have verified them. */
  readonly keys: AgentKeys;
}

/** Called with each event, the state after it, and what it changed. */
export type ReplayObserver = (event: CoordinatorEvent, state: RunState, changes: readonly Change[]) => void;

/** null if the log does not begin with the opening of a run. Rejects with the errors of `decodeLog`. */
export async function replayLog(
  records: AsyncIterable<LogRecord> | Iterable<LogRecord>,
  source: string,
  observe: ReplayObserver = () => undefined,
  verifier: Verifier = NO_VERIFIER,
): Promise<ReplayedLog | null> {
  let replay: Replay | null = null;
  let seq = 0;
  const keys: NotedKeys = new Map();
  for await (const decoded of decodeLog(records, source, verifier)) {
    seq = decoded.seq;
    if (decoded.key !== null) noteKey(keys, decoded.key);
    // Agents join the run that restarts anew, under its own id.
    if (decoded.events.some(({ kind }) => kind === 'run-restarted')) keys.clear();
    for (const event of decoded.events) {
      replay ??= beginReplay(event);
      if (replay === null) return null;
      const changes = replay.take(event);
      observe(event, replay.state, changes);
    }
  }
  return replay === null ? null : { ...replay.recorded(), seq, keys };
}
