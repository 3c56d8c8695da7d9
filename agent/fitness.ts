// Checks that this machine's workspace is the run's before the agent runs anything in it.

import { type AcceptedArgs, foreignArgs } from '../shared/domain/accepted-args.ts';
import type { AttemptEnding, AttemptRequest } from '../shared/domain/attempt.ts';
import type { UnfitCause } from '../shared/domain/events.ts';
import type { AgentId, TestFile } from '../shared/domain/ids.ts';
import type { RunSpec } from '../shared/domain/run-spec.ts';
import { compareFiles, type FilesPrint } from '../shared/domain/suite/fingerprint.ts';
import { ShardlineError } from '../shared/errors.ts';
import { oneLine } from '../shared/text/safe-text.ts';

export interface Candidate {
  readonly id: AgentId;
  readonly host: string;
  /** Whether the run itself started this agent in its own workspace. */
  readonly isLocal: boolean;
  /** What a run may ask of pytest here. */
  readonly accepts: AcceptedArgs;
  /** Takes the fingerprint of a workspace, limited to the parts that a comparison with the run's needs. */
  readonly printFiles: (workspace: string, run: FilesPrint) => Promise<FilesPrint>;
  /** Whether a path that a run names lies in a workspace, also after all links. */
  readonly isInside: (workspace: string, path: string) => Promise<boolean>;
}

/** The fingerprint of this workspace's files; null when the run does not compare files. */
export async function printOwnFiles({ isLocal, printFiles }: Candidate, workspace: string, { files }: RunSpec): Promise<FilesPrint | null> {
  return isLocal || files === null ? files : await printFiles(workspace, files);
}

/** Throws `workspace-differs` when the files differ and the fingerprint policy is `strict`. */
export function refuseOtherFiles({ id, isLocal }: Candidate, spec: RunSpec, files: FilesPrint | null): void {
  if (isLocal || spec.files === null || spec.fingerprintPolicy !== 'strict') return;
  const { refused } = compareFiles(spec.files, files);
  if (refused.length > 0) throw new ShardlineError('workspace-differs', { agent: id, runId: spec.runId, differences: refused.join('; ') });
}

/** Throws `args-not-accepted` when the run asks pytest for something that this agent does not do for others. */
export async function refuseForeignArgs(
  { id, accepts, isInside }: Candidate,
  workspace: string,
  { runId, pytestArgs }: RunSpec,
): Promise<void> {
  const args = await foreignArgs(pytestArgs, accepts, (path) => isInside(workspace, path));
  if (args.length > 0) throw new ShardlineError('args-not-accepted', { agent: id, runId, args: oneLine(args.join(' ')).slice(0, 1000) });
}

/**
 * Throws `path-not-accepted` if one of the files that others named lies outside the workspace. An agent that a run started has that run's
 * own workspace, whose links its user made.
 */
export async function refuseOutsideFiles(
  { id, isLocal, accepts, isInside }: Candidate,
  workspace: string,
  { runId }: RunSpec,
  files: readonly TestFile[],
): Promise<void> {
  if (isLocal || accepts.mode === 'any') return;
  const outside = await Promise.all(files.map(async (file) => ((await isInside(workspace, file)) ? [] : [file])));
  const paths = oneLine(outside.flat().join(' ')).slice(0, 1000);
  if (paths !== '') throw new ShardlineError('path-not-accepted', { agent: id, runId, paths });
}

/** Why this agent does not run the attempt; null if it does. */
export async function refusedAttempt(
  candidate: Candidate,
  workspace: string,
  spec: RunSpec,
  { selectors }: AttemptRequest,
): Promise<AttemptEnding | null> {
  try {
    await refuseOutsideFiles(
      candidate,
      workspace,
      spec,
      selectors.map(({ file }) => file),
    );
    return null;
  } catch (thrown) {
    if (!(thrown instanceof ShardlineError)) throw thrown;
    return { kind: 'not-started', error: thrown.code, detail: thrown.message };
  }
}

/** Why this agent cannot serve the run, in the form that the coordinator reports. */
export function unfitBecause(error: ShardlineError): { readonly why: UnfitCause; readonly problem: string } {
  switch (error.code) {
    case 'workspace-differs':
      return { why: 'fingerprint', problem: String(error.values.differences) };
    case 'session-not-started':
      return { why: 'not-started', problem: String(error.values.problem) };
    case 'no-source':
    case 'repository-not-allowed':
    case 'uncommitted-changes':
    case 'checkout-failed':
    case 'prepare-failed':
      return { why: 'workspace', problem: error.message };
    case 'args-not-accepted':
    case 'path-not-accepted':
      return { why: 'arguments', problem: error.message };
    default:
      return { why: 'not-started', problem: error.message };
  }
}
