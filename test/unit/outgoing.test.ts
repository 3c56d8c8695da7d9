import { expect, test } from 'vitest';
import { createInbox } from '../../coordinator/event-queue.ts';
import { createOutgoing } from '../../coordinator/outgoing.ts';
import type { RunChannel, SharedLog } from '../../coordinator/ports.ts';
import { runId } from '../../shared/domain/ids.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { systemClock } from '../../shared/system/clock.ts';
import type { LogRecord } from '../../shared/wire/run-log.ts';

const record = (seq: number): LogRecord => ({ seq, own: `record ${seq}`, batch: null });
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Notes what is sent, and appends as `append` does. */
function outgoingOver(append: (records: readonly LogRecord[]) => Promise<void>) {
  const sent: string[] = [];
  const inbox = createInbox();
  const log: SharedLog = {
    async append(records) {
      sent.push(`log ${records.map(({ seq }) => seq).join(' ')}`);
      await append(records);
    },
    read: async function* () {},
    last: async () => null,
    isOurs: () => true,
    close: async () => undefined,
  };
  const command = (name: string) => async (): Promise<void> => void sent.push(name);
  return { outgoing: createOutgoing({ log } as RunChannel, inbox, systemClock), inbox, sent, command };
}

test('appends a turn to the log before it sends what follows from it', async () => {
  const { outgoing, sent, command } = outgoingOver(async () => undefined);
  outgoing.send(command('first'));
  outgoing.send(command('second'));
  // A turn is recorded when it ends, which is after its commands.
  outgoing.record([record(1), record(2)]);
  await settled();
  outgoing.record([]);
  outgoing.record([record(3)]);
  await settled();
  expect(sent).toEqual(['log 1 2', 'first', 'second', 'log 3']);
});

test('appends the records of several turns at once while an earlier append waits for its reply', async () => {
  const replied = Promise.withResolvers<void>();
  const { outgoing, sent, command } = outgoingOver(() => replied.promise);
  outgoing.record([record(1)]);
  await settled();
  for (const seq of [2, 3, 4]) {
    outgoing.record([record(seq)]);
    outgoing.send(command(`after ${seq}`));
  }
  await settled();
  expect(sent).toEqual(['log 1']);
  replied.resolve();
  await settled();
  expect(sent).toEqual(['log 1', 'log 2 3 4', 'after 2', 'after 3', 'after 4']);
});

test('sends nothing after the log refused its records, and ends the run', async () => {
  const takenOver = new ShardlineError('taken-over', { runId: runId('r1') });
  const { outgoing, inbox, sent, command } = outgoingOver(async () => Promise.reject(takenOver));
  outgoing.send(command('first'));
  outgoing.record([record(1)]);
  await settled();
  expect(sent).toEqual(['log 1']);
  await expect(inbox.next()).rejects.toBe(takenOver);
});
