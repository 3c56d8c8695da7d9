// Records what the run loop takes: encodes it, numbers it, and appends it to the run's log, one write a turn.

import { COORDINATOR, type RunAddress } from '../../shared/wire/envelope.ts';
import { digestOf, type LogRecord } from '../../shared/wire/run-log.ts';
import type { Signer } from '../../shared/wire/signature.ts';
import type { OwnEvent } from '../core/state/events.ts';
import type { Recorder, RunLog } from '../ports.ts';
import { encodeRecord } from './record-codec.ts';

export interface LogWriter {
  readonly address: RunAddress;
  /** The epoch of the coordinator that records; 0 without Redis. */
  readonly epoch: number;
  /** The number of the last record in the log; 0 for none. */
  readonly seq: number;
  /** Signs every record; absent or null to sign none. */
  readonly signer?: Signer | null;
}

export interface SequencedRecorder extends Recorder {
  /** The number of the last record. */
  seq(): number;
}

export function createRecorder(log: Pick<RunLog, 'append'>, { address, epoch, seq: last, signer = null }: LogWriter): SequencedRecorder {
  let seq = last;
  let waiting: LogRecord[] = [];
  const add = (event: OwnEvent, batch: LogRecord['batch']): void => {
    seq += 1;
    waiting.push({ seq, own: encodeRecord(event, { ...address, sender: COORDINATOR, seq, epoch }, signer), batch });
  };
  return {
    seq: () => seq,
    add: (event) => add(event, null),
    // The signature of the record then covers the batch too, which Redis keeps elsewhere.
    addEntry: ({ read, text }) => add(signer === null ? read : { ...read, digest: digestOf(text) }, { position: read.position, text }),
    flush() {
      const records = waiting;
      waiting = [];
      // A file is written when this returns, and keeps its failure until it is closed.
      if (records.length > 0) void log.append(records);
      return records;
    },
  };
}
