// What a run that has ended still needs from Redis: nothing that could cost its report.

import { expect, test } from 'vitest';
import { endChannel } from '../../coordinator/commands/serving/end-channel.ts';
import { durationsWarning } from '../../coordinator/commands/serving/save-durations.ts';
import { runId } from '../../shared/domain/ids.ts';
import { ShardlineError } from '../../shared/errors.ts';
import type { RunSettings } from '../../shared/settings/settings.ts';
import type { Logger } from '../../shared/system/logger.ts';
import { recordingLog } from '../support/recording-log.ts';

const here = { redisLost: false };
const givenUp = (): Promise<never> => Promise.reject(new Error('Connection is closed.'));
const takenOver = (): Promise<never> => Promise.reject(new ShardlineError('taken-over', { runId: 'r1' }));
const resolved = async (): Promise<void> => undefined;

function newSetting() {
  const { log, lines } = recordingLog();
  const setting = {
    settings: { deadlineSeconds: null } as RunSettings,
    startedAt: 0,
    id: runId('r1'),
    jobs: null,
    logger: { ...log, close: () => undefined } as Logger,
  };
  return { setting, lines };
}

/** Coverage in transit that fails once the connection is given up, as every command then does. */
function untilGivenUp(): { readonly transit: Promise<void>; readonly confirm: () => Promise<never> } {
  const { promise: transit, resolve } = Promise.withResolvers<void>();
  return {
    transit,
    confirm: () => {
      resolve();
      return givenUp();
    },
  };
}

test('logs that Redis was lost while coverage was in transit, and lets the run report', async () => {
  const { setting, lines } = newSetting();
  const { transit, confirm } = untilGivenUp();
  await endChannel(setting, { confirm, close: givenUp }, here, transit);
  expect(lines).toMatchObject([['warn', 'lost Redis at the end of the run; reporting without it', { run: 'r1' }]]);
});

test('lets the run report when its keys cannot be deleted', async () => {
  const { setting, lines } = newSetting();
  await endChannel(setting, { confirm: resolved, close: givenUp }, here, Promise.resolve());
  expect(lines.length).toBe(1);
});

test('throws only that another coordinator has taken the run over', async () => {
  const { setting } = newSetting();
  const never = Promise.withResolvers<void>().promise;
  await expect(endChannel(setting, { confirm: takenOver, close: resolved }, here, never)).rejects.toMatchObject({ code: 'taken-over' });
  const closing = endChannel(setting, { confirm: resolved, close: takenOver }, here, Promise.resolve());
  await expect(closing).rejects.toMatchObject({ code: 'taken-over' });
});

test('sends nothing to a Redis that the run has lost', async () => {
  const { setting, lines } = newSetting();
  const sent: string[] = [];
  const send = (name: string) => async (): Promise<void> => void sent.push(name);
  await endChannel(setting, { confirm: send('confirm'), close: send('close') }, { redisLost: true }, Promise.resolve());
  expect([sent, lines]).toEqual([[], []]);
});

test('warns of durations that a lost Redis did not save, and fails for a requested file that was not written', async () => {
  const unwritable = (): Promise<never> => Promise.reject(new ShardlineError('output-not-writable', { path: 't.json', problem: 'EROFS' }));
  expect(await durationsWarning(resolved(), true)).toBeNull();
  expect(await durationsWarning(givenUp(), false)).toMatchObject({ values: { path: 'Redis', problem: 'the connection was lost' } });
  expect(await durationsWarning(unwritable(), false)).toMatchObject({ values: { path: 't.json' } });
  await expect(durationsWarning(unwritable(), true)).rejects.toMatchObject({ code: 'output-not-writable' });
  await expect(durationsWarning(Promise.reject(new TypeError('a defect')), false)).rejects.toThrow('a defect');
});
