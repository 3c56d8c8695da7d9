// Opens a run a second time, because collecting its files one by one gave another suite than the whole list.

import { oneLine, plural } from '../../../shared/text/safe-text.ts';
import { addressOf } from '../../../shared/wire/run-spec.ts';
import { announcedSpec } from '../../core/decide/restart.ts';
import type { RunOpened } from '../../core/state/events.ts';
import { createRecorder } from '../../record/recorder.ts';
import type { Setting } from '../run-context.ts';
import { type OpenedRun, recordClosed } from './opened-run.ts';

/** Records the restart, announces the run again and returns it with new agents. No earlier result counts. */
export async function restartRun({ edge, trust }: Setting, run: OpenedRun, opening: RunOpened): Promise<OpenedRun> {
  const { log, recorder, redis } = run;
  edge.stderr.write(`shardline: ${restartLine(opening)}\n`);
  recordClosed(run, { kind: 'run-restarted', at: opening.at, opening });
  const spec = announcedSpec(opening);
  const reopened = await redis.again((pools) => pools.openRun(spec));
  const writer = { address: addressOf(spec), epoch: reopened.channel.epoch, seq: recorder.seq(), signer: trust.signer };
  return { ...run, recorded: null, redis: { ...redis, ...reopened }, recorder: createRecorder(log, writer) };
}

const restartLine = ({ restarted }: RunOpened): string =>
  `restarting, every worker now collects the whole suite: ${oneLine(restarted?.why ?? '')}. Discarded ${plural(restarted?.voidTests ?? 0, 'result')}; all tests run again. Later runs remember this. No action needed.`;
