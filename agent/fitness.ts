// Whether this machine can serve a run: its files are the run's, and its pytest starts. Where that is not so the run is informed, before anything is run.

import type { Clock } from '../shared/clock.ts';
import { ShardlineError } from '../shared/errors.ts';
import { compareFiles, type FilesPrint } from '../shared/fingerprint.ts';
import type { AgentId } from '../shared/ids.ts';
import type { RunSpec } from '../shared/run-spec.ts';
import type { Outbox } from './outbox.ts';
import type { Session } from './ports.ts';

/** How much of a problem the run is told: pytest may have printed much before it gave up. */
const PROBLEM_CHARS = 2000;

export interface Candidate {
  readonly id: AgentId;
  readonly host: string;
  /** Did the run itself start this agent, in its own workspace? */
  readonly isLocal: boolean;
  /** Takes the fingerprint of the workspace, as far as a comparison with the run's needs it. */
  readonly printFiles: (run: FilesPrint) => Promise<FilesPrint>;
}

export interface OpenedSession {
  readonly session: Session;
  readonly files: FilesPrint | null;
}

/** Opens the session if the files are the run's. Throws `workspace-differs`, and what `open` throws; the run knows why by then. */
export async function openFitSession(
  candidate: Candidate,
  spec: RunSpec,
  outbox: Outbox,
  clock: Clock,
  open: () => Promise<Session>,
): Promise<OpenedSession> {
  const { id, host, isLocal } = candidate;
  let files = spec.files;
  const report = async (why: 'fingerprint' | 'not-started', problem: string): Promise<void> => {
    // What a local agent prints is shown by the run that started it.
    if (isLocal) return;
    outbox.push({ kind: 'agent-unfit', at: clock.now(), agent: id, host, why, problem, fingerprint: { files, python: null } });
    await outbox.flushed();
  };
  try {
    if (!isLocal && spec.files !== null) {
      files = await candidate.printFiles(spec.files);
      const { refused } = compareFiles(spec.files, files);
      if (spec.fingerprintPolicy === 'strict' && refused.length > 0)
        throw new ShardlineError('workspace-differs', { agent: id, runId: spec.runId, differences: refused.join('; ') });
    }
    return { session: await open(), files };
  } catch (thrown) {
    if (!(thrown instanceof ShardlineError)) throw thrown;
    const isRefused = thrown.code === 'workspace-differs';
    const problem = isRefused
      ? `its workspace differs from the run's: ${thrown.values.differences}`
      : thrown.message.slice(0, PROBLEM_CHARS);
    await report(isRefused ? 'fingerprint' : 'not-started', problem);
    throw thrown;
  }
}
