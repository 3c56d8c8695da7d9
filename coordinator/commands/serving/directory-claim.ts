// Checks whether a run's directory still belongs to this command, by the log in it.

import { join } from 'node:path';
import { ShardlineError } from '../../../shared/errors.ts';
import { restartedId } from '../../core/decide/restart.ts';
import type { RunLog } from '../../ports.ts';
import { recordedRun } from '../../record/file-log.ts';
import type { Setting } from '../run-context.ts';

/**
 * Returns null if this command's log is still in place. If Redis is gone, or was the run's own, only the log shows that another
 * command has resumed the run; then this throws `taken-over`. Another run may also have begun in the same directory unnoticed; then this
 * returns the error to report, and this run ends as usual but writes nothing there.
 */
export function claimDirectory({ id, out }: Pick<Setting, 'id' | 'out'>, log: Pick<RunLog, 'isOurs'>): ShardlineError | null {
  if (log.isOurs()) return null;
  const other = recordedRun(join(out, 'events.ndjson'));
  // The records after a restart, and a log that is rebuilt from Redis, have the run's second id.
  if (other === null || other === id || other === restartedId(id)) throw new ShardlineError('taken-over', { runId: id });
  return new ShardlineError('out-in-use', { path: out, problem: `run ${other} started there meanwhile` });
}
