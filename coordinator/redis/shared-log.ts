// The run log in Redis: one stream entry for each record, with the number of the record as its id. A batch of an agent is not copied: the
// entry has its position on the stream of events, which lives as long as the log.
//
// When Redis loses records, the log ends: a record that does not follow the last one deletes the rest. It is not written again from the
// file, because the batches that it would refer to are lost too. The file on the coordinator's machine stays complete.

import type { Redis } from 'ioredis';
import type { RunId } from '../../shared/domain/ids.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { KEY_LIFE_SECONDS, runKeys } from '../../shared/redis/keys.ts';
import { retryWhileUnavailable } from '../../shared/redis/retry-while-unavailable.ts';
import type { RunAddress } from '../../shared/wire/envelope.ts';
import { type LogRecord, opensRun } from '../../shared/wire/run-log.ts';
import type { SharedLog } from '../ports.ts';
import { readScript } from './read-script.ts';

/** Records and characters of one append, and records of one read. More would block Redis for too long. */
const APPEND_RECORDS = 500;
const APPEND_CHARS = 4_000_000;
const READ_RECORDS = 100;

const APPEND = readScript('append-records');

/** The log for the coordinator with this epoch. */
export function createSharedLog(redis: Redis, { run }: RunAddress, epoch: number): SharedLog {
  const keys = runKeys(run);
  let isIncomplete = false;
  return {
    async append(records) {
      for (const chunk of chunksOf(records)) {
        if (isIncomplete) return;
        const [first] = chunk;
        if (first === undefined) return;
        const head = [epoch, KEY_LIFE_SECONDS, opensRun(first) ? 1 : 0, first.seq];
        const texts = chunk.flatMap(({ own, batch }) => [own, batch?.position ?? '']);
        const appended = await retryWhileUnavailable(() => redis.eval(APPEND, 2, keys.coordinator, keys.log, ...head, ...texts));
        if (appended === -1) throw new ShardlineError('taken-over', { runId: run });
        isIncomplete = appended === 0;
      }
    },
    ...readableLog(redis, run),
    // Redis refuses the records of a coordinator that was deposed.
    isOurs: () => true,
    close: async () => undefined,
  };
}

/** The log for a reader that has not taken the run over. `read` throws `bad-message` if Redis has lost a batch that a record refers to. */
export const readableLog = (redis: Redis, run: RunId): Pick<SharedLog, 'read' | 'last'> => ({
  read: () => readSharedLog(redis, run),
  async last() {
    const [entry] = await retryWhileUnavailable(() => redis.xrevrange(runKeys(run).log, '+', '-', 'COUNT', 1));
    return entry === undefined ? null : ownOf(entry);
  },
});

async function* readSharedLog(redis: Redis, run: RunId): AsyncGenerator<LogRecord> {
  const keys = runKeys(run);
  for (let after = '-'; ; ) {
    const entries = await retryWhileUnavailable(() => redis.xrange(keys.log, after, '+', 'COUNT', READ_RECORDS));
    // Without waiting for one reply before the next request.
    yield* await Promise.all(entries.map(([id, fields]) => recordOf(redis, run, id, fields)));
    after = `(${entries.at(-1)?.[0]}`;
    if (entries.length < READ_RECORDS) return;
  }
}

const ownOf = ([id, [, , , own = '']]: readonly [id: string, fields: readonly string[]]): Pick<LogRecord, 'seq' | 'own'> => ({
  seq: numberOf(id),
  own,
});

async function recordOf(redis: Redis, run: RunId, id: string, fields: readonly string[]): Promise<LogRecord> {
  const [, , , , , position = ''] = fields;
  return { ...ownOf([id, fields]), batch: position === '' ? null : { position, text: await batchAt(redis, run, position) } };
}

async function batchAt(redis: Redis, run: RunId, position: string): Promise<string> {
  const [entry] = await retryWhileUnavailable(() => redis.xrange(runKeys(run).events, position, position));
  const fields = entry?.[1] ?? [];
  const text = fields[fields.indexOf('batch') + 1];
  if (entry !== undefined && text !== undefined) return text;
  throw new ShardlineError('bad-message', {
    source: `log of run ${run}`,
    problem: `Redis has lost the events at ${position} of the stream`,
  });
}

const numberOf = (id: string): number => Number(id.split('-', 1)[0]);

function* chunksOf(records: readonly LogRecord[]): Generator<readonly LogRecord[]> {
  let chunk: LogRecord[] = [];
  let chars = 0;
  for (const record of records) {
    chunk.push(record);
    chars += record.own.length;
    if (chunk.length < APPEND_RECORDS && chars < APPEND_CHARS) continue;
    yield chunk;
    chunk = [];
    chars = 0;
  }
  if (chunk.length > 0) yield chunk;
}
