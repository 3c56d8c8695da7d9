// Ends the part of a run that needs Redis, once its loop has ended.

import { ShardlineError } from '../../../shared/errors.ts';
import { failureFields } from '../../../shared/system/event-log.ts';
import type { RunState } from '../../core/state/run-state.ts';
import type { RunChannel } from '../../ports.ts';
import { closeMs, endsWithin, holdRun, type Setting, within } from '../run-context.ts';

/** How long a finished run waits for coverage data files in transit. Its agents have sent all of them by then. */
const TAKE_COVERAGE_MS = 60_000;

/**
 * Waits for `transit`, the coverage data files that are being read from Redis, and closes the channel. A run that CI jobs share stays open
 * until all of them know the verdict, so that another job can take it over. A Redis that is lost by now is only logged, because the report
 * needs nothing more from it. Throws only `taken-over`.
 */
export async function endChannel(
  setting: Pick<Setting, 'settings' | 'startedAt' | 'id' | 'logger' | 'jobs'>,
  channel: Pick<RunChannel, 'confirm' | 'close'>,
  { redisLost }: Pick<RunState, 'redisLost'>,
  transit: Promise<void>,
): Promise<void> {
  if (setting.jobs?.leaving.aborted) return;
  const transitMs = setting.settings.deadlineSeconds === null ? TAKE_COVERAGE_MS : closeMs(setting);
  if (redisLost) {
    await endsWithin(transitMs, transit);
    return;
  }
  try {
    await holdRun(channel, transitMs, transit);
    if (setting.jobs === null) await within(closeMs(setting), channel.close());
  } catch (thrown) {
    if (thrown instanceof ShardlineError && thrown.code === 'taken-over') throw thrown;
    setting.logger.warn({ run: setting.id, ...failureFields(thrown) }, 'lost Redis at the end of the run; reporting without it');
    await endsWithin(closeMs(setting), transit);
  }
}
