// The notes of runs, on real servers.

import { describe, expect, test } from 'vitest';
import { readNote, writeNote } from '../../coordinator/redis/inspect/run-notes.ts';
import { watchPool } from '../../coordinator/redis/inspect/watch-pool.ts';
import { redisPools } from '../../coordinator/redis/pools.ts';
import { runId } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { runKeys } from '../../shared/redis/keys.ts';
import type { RunNote } from '../../shared/wire/run-note.ts';
import { eventually } from '../support/eventually.ts';
import { servers, startServer } from '../support/redis.ts';
import { opened } from '../unit/core/run-kit.ts';

const spec = { ...opened([]).spec, runId: runId('r1'), pool: 'p1' };
const running = (filesDone: number): RunNote => ({
  at: 1000,
  deadline: null,
  state: { kind: 'running', filesDone, files: 3, endsAt: null, load: null },
});
const ended: RunNote = {
  at: 2000,
  deadline: null,
  state: { kind: 'ended', verdict: 'passed', exitCode: 0, report: null, job: null },
};

describe.each(servers)('notes over %s', (_, redisBin) => {
  test('expire, are read back, and never come from a coordinator that was replaced', async () => {
    await using server = await startServer(redisBin);
    const redis = await connect(server.url, 'test');
    try {
      const first = await redisPools(redis).openRun(spec);
      await writeNote(redis, spec.runId, first.epoch, running(1));
      expect(await readNote(redis, spec.runId)).toEqual(running(1));
      expect(await redis.ttl(runKeys(spec.runId).note)).toBeGreaterThan(0);

      await writeNote(redis, spec.runId, first.epoch + 1, running(2));
      await redis.hset(runKeys(spec.runId).coordinator, 'epoch', first.epoch + 1);
      for (const late of [running(3), ended]) await writeNote(redis, spec.runId, first.epoch, late);
      expect(await readNote(redis, spec.runId)).toEqual(running(2));

      await redis.del(runKeys(spec.runId).coordinator);
      await writeNote(redis, spec.runId, first.epoch + 1, ended);
      await writeNote(redis, spec.runId, first.epoch + 1, running(3));
      expect(await readNote(redis, spec.runId)).toEqual(ended);

      await redis.del(runKeys(spec.runId).note);
      await redis.hset(runKeys(spec.runId).note, 'not', 'a note');
      expect(await readNote(redis, spec.runId)).toBeNull();
    } finally {
      redis.disconnect();
    }
  });

  test('reach a watcher: progress while the run is open, its end once it is closed, and progress again when it opens again', async () => {
    await using server = await startServer(redisBin);
    const [redis, watching] = [await connect(server.url, 'test'), await connect(server.url, 'watch')];
    const stop = new AbortController();
    const seen: string[] = [];
    const noted = (text: string) => eventually(text, () => seen.includes(text));
    const watched = watchPool(
      watching,
      spec.pool,
      {
        onOpened: () => void seen.push('opened'),
        onEvents: () => undefined,
        onClosed: () => void seen.push('closed'),
        onNote: (_run, { state }) => void seen.push(state.kind === 'ended' ? state.verdict : `${state.filesDone} done`),
        onProblem: (_run, problem) => void seen.push(problem),
      },
      stop.signal,
    );
    try {
      const channel = await redisPools(redis).openRun(spec);
      await writeNote(redis, spec.runId, channel.epoch, running(1));
      await noted('1 done');
      await channel.close();
      await noted('closed');
      // Its coordinator died before it had written the report, and another one resumes it.
      const again = await redisPools(redis).openRun(spec);
      await writeNote(redis, spec.runId, again.epoch, running(2));
      await noted('2 done');
      await again.close();
      await writeNote(redis, spec.runId, again.epoch, ended);
      await noted('passed');
      expect(seen.filter((text) => text === 'passed')).toHaveLength(1);
    } finally {
      stop.abort();
      await watched;
      redis.disconnect();
      watching.disconnect();
    }
  });
});
