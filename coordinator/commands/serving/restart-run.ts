// Opens a run a second time, because collecting its files one by one gave another suite than the whole list.

import { oneLine, plural } from '../../../shared/text/safe-text.ts';
import { announcedAgain } from '../../core/decide/restart.ts';
import type { CoordinatorEvent, RunOpened } from '../../core/state/events.ts';
import { reduce } from '../../core/state/reduce.ts';
import type { Setting } from '../run-context.ts';
import type { OpenedRun } from './opened-run.ts';

/** Records the restart, announces the run again and returns it with new agents. No earlier result counts. */
export async function restartRun({ edge }: Setting, run: OpenedRun, opening: RunOpened): Promise<OpenedRun> {
  const { state, journal, redis } = run;
  const event: CoordinatorEvent = { kind: 'run-restarted', at: opening.at, opening };
  journal.record(event);
  edge.stderr.write(`shardline: ${restartLine(opening)}\n`);
  reduce(state, event);
  const reopened = await redis.again((pools) => pools.openRun(announcedAgain(opening.spec)));
  return { ...run, recorded: null, redis: { ...redis, ...reopened } };
}

const restartLine = ({ restarted }: RunOpened): string =>
  `restarting, every worker now collects the whole suite: ${oneLine(restarted?.why ?? '')}. Discarded ${plural(restarted?.voidTests ?? 0, 'result')}; all tests run again. Nothing to do: later runs remember this`;
