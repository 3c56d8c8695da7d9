// Tracks collection errors that only one agent reported. If another agent collects the same file, it refutes the error and the first agent
// is to blame; if another agent fails too, it confirms the error. With `--collect suite` the other agents' lists decide. recheck.ts decides
// which errors to try on another agent.

import type { AgentInfo } from '../../../../shared/domain/events.ts';
import type { AgentId, ShardId, TestFile } from '../../../../shared/domain/ids.ts';
import type { Selector } from '../../../../shared/domain/shard.ts';
import { compareFingerprints } from '../../../../shared/domain/suite/fingerprint.ts';
import { OTHER } from '../changes.ts';
import { takesWork } from '../conduct.ts';
import type { FileProgress } from '../records.ts';
import { type AgentRecord, type AttemptRecord, type Doubt, isUncollected, type ShardRecord } from '../records.ts';
import { isAbove } from '../remaining-work.ts';
import type { RunState } from '../run-state.ts';
import { reopen } from '../settle.ts';
import { forgetErrors, isFoundByDiscovery } from './collect-errors.ts';
import { hasOddList, isSuite } from './suite.ts';
import { lackedFile, weighByLists } from './weigh-lists.ts';

/** The reporting agent and its attempt. */
interface Reporter {
  readonly agent: AgentId;
  readonly attempt: AttemptRecord;
}

const collectorsBeside = ({ collectedIn }: FileProgress, agent: AgentId): readonly AgentId[] =>
  [...collectedIn.values()].filter((collector) => collector !== agent);
const collectorsBelow = (state: RunState, path: TestFile, agent: AgentId): readonly AgentId[] =>
  [...state.shards.values()].flatMap(({ files }) =>
    [...files.values()].flatMap((progress) => (isAbove(path, progress.file) ? collectorsBeside(progress, agent) : [])),
  );
/** Agents besides this one that collected the file, or a file below the directory, without an error. */
function collectorsOf(state: RunState, file: TestFile, planned: FileProgress | undefined, agent: AgentId): readonly AgentId[] {
  if (isSuite(state)) {
    const word = weighByLists(state, file, agent);
    return word === null || word === 'confirmed' ? [] : [word];
  }
  return planned === undefined ? collectorsBelow(state, file, agent) : collectorsBeside(planned, agent);
}

/** True if both run on one machine with the same files and the same installed packages. Unknown values count as different. */
function areAlike(one: AgentInfo | null | undefined, other: AgentInfo | null | undefined): boolean {
  if (one == null || other == null || one.host !== other.host) return false;
  const [left, right] = [one.fingerprint, other.fingerprint];
  if (left.files === null || left.python === null || right.files === null || right.python === null) return false;
  const { refused, warned } = compareFingerprints(left, right);
  return refused.length === 0 && warned.length === 0;
}

export function blame(state: RunState, agent: AgentId, file: TestFile, collectedBy: AgentId): void {
  const conduct = state.agents.get(agent)?.conduct;
  if (conduct === undefined || conduct.contradicted !== null) return;
  conduct.contradicted = { file, by: collectedBy };
  state.changes.push(OTHER);
}

/** True if only one of two alike agents could collect the file. The difference is then in the process, so the run needs the whole list. */
function dependsOnProcess(state: RunState, file: TestFile, failing: AgentId, collecting: AgentId): boolean {
  if (isSuite(state) || !areAlike(state.agents.get(failing)?.info, state.agents.get(collecting)?.info)) return false;
  state.suite.inseparable ??= { why: `one process could collect ${file}, and another could not`, file: null, companions: [] };
  state.changes.push(OTHER);
  return true;
}

/** Agents besides this one that could collect the file it failed at. */
export const othersOf = (state: RunState, agent: AgentId): readonly AgentRecord[] =>
  [...state.agents.values()].filter((other) => other.id !== agent && takesWork(state, other));
/**
 * True if another agent collected the file; the reporting agent is then to blame. `planned` is the file's own progress, if it is planned.
 */
export function isContradicted(state: RunState, file: TestFile, planned: FileProgress | undefined, { agent, attempt }: Reporter): boolean {
  // Recorded errors were compared with every collection since.
  if (state.collectErrors.has(file)) return false;
  const others = collectorsOf(state, file, planned, agent);
  if (others.some((other) => dependsOnProcess(state, file, agent, other))) return false;
  const [other] = others;
  // The last agent is never dismissed, so its error counts until another agent joins.
  if (other === undefined || othersOf(state, agent).length === 0) return false;
  blame(state, agent, file, other);
  attempt.isVoid = true;
  return true;
}

/**
 * Errors per agent that are tried on another agent. If all are confirmed, the suite is broken, and the agent's other errors are believed.
 */
export const TRIED_PER_AGENT = 10;

/** True if enough of its errors were confirmed and none was refuted. */
function isBelieved(state: RunState, agent: AgentId): boolean {
  const conduct = state.agents.get(agent)?.conduct;
  return conduct === undefined || (conduct.contradicted === null && conduct.confirmedErrors >= TRIED_PER_AGENT);
}

const doubtsOf = (state: RunState, agent: AgentId): readonly Doubt[] => [...state.doubts.values()].filter((doubt) => doubt.agent === agent);
function confirm(state: RunState, doubt: Doubt): void {
  state.doubts.delete(doubt.file);
  state.changes.push(OTHER);
  const conduct = state.agents.get(doubt.agent)?.conduct;
  if (conduct !== undefined) conduct.confirmedErrors += 1;
  if (isBelieved(state, doubt.agent)) for (const other of doubtsOf(state, doubt.agent)) state.doubts.delete(other.file);
}

/**
 * Handles a recorded error of a file. The first report is doubted, unless discovery found the error too; a report by another agent confirms
 * it.
 */
export function observeError(state: RunState, file: TestFile, by: Reporter, shard: ShardId, isFirst: boolean): void {
  const doubt = state.doubts.get(file);
  if (doubt === undefined) {
    if (isSuite(state) && weighByLists(state, file, by.agent) === 'confirmed') return;
    if (!isFirst || isBelieved(state, by.agent) || isFoundByDiscovery(state, file)) return;
    state.doubts.set(file, { file, agent: by.agent, attempts: new Set([by.attempt]), shard, rechecks: [] });
  } else if (doubt.agent === by.agent) doubt.attempts.add(by.attempt);
  else confirm(state, doubt);
}

function drop(state: RunState, doubts: readonly Doubt[]): void {
  if (doubts.length === 0) return;
  for (const { file, attempts } of doubts) {
    state.doubts.delete(file);
    forgetErrors(state, file);
    for (const attempt of attempts) attempt.isVoid = true;
  }
  for (const record of state.shards.values()) {
    for (const { file } of doubts) {
      const progress = record.files.get(file);
      if (progress !== undefined) progress.collectFailed = false;
    }
  }
  state.changes.push(OTHER);
  reopen(state);
}

function refute(state: RunState, doubt: Doubt, by: AgentId): void {
  blame(state, doubt.agent, doubt.file, by);
  drop(state, [doubt]);
}

/** Applies an agent's list: it confirms or refutes other agents' errors, and agents that lack a file of the plan's list are to blame. */
export function weighLists(state: RunState, agent: AgentId): void {
  const { lists, owner } = state.suite;
  for (const id of lists.keys()) {
    const file = hasOddList(state, id) ? lackedFile(state, id) : null;
    if (file !== null && owner !== null) blame(state, id, file, owner);
  }
  if (hasOddList(state, agent)) return;
  for (const doubt of [...state.doubts.values()]) {
    if (doubt.agent === agent) continue;
    const word = weighByLists(state, doubt.file, doubt.agent);
    if (word === 'confirmed') confirm(state, doubt);
    else if (word !== null) refute(state, doubt, word);
  }
}

/**
 * Handles the collection of a file by an attempt. It refutes errors of other agents at or above the file; tests that arrive with an error
 * confirm the error.
 */
export function observeCollection(state: RunState, progress: FileProgress, { agent, attempt }: Reporter): void {
  if (progress.failedIn.has(attempt.id)) {
    if (state.doubts.get(progress.file)?.attempts.has(attempt) === true) {
      state.doubts.delete(progress.file);
      state.changes.push(OTHER);
    }
    return;
  }
  // A repeated event adds nothing.
  if (progress.collectedIn.has(attempt.id)) return;
  progress.collectedIn.set(attempt.id, agent);
  if (state.doubts.size === 0) return;
  const refuted = [...state.doubts.values()].filter(
    (doubt) =>
      doubt.agent !== agent &&
      (doubt.file === progress.file || isAbove(doubt.file, progress.file)) &&
      // The error stays recorded in case the run does not restart.
      !dependsOnProcess(state, doubt.file, doubt.agent, agent),
  );
  for (const doubt of refuted) blame(state, doubt.agent, doubt.file, agent);
  drop(state, refuted);
}

/** Drops the unconfirmed errors of a dismissed agent, so that the blocked tests run on other agents. */
export const dropDoubtsOf = (state: RunState, agent: AgentId): void => drop(state, doubtsOf(state, agent));

/** The shard, or its parts if it was split. */
function wholeOrParts(state: RunState, shard: ShardId): readonly ShardRecord[] {
  const record = state.shards.get(shard);
  if (record === undefined) return [];
  return record.state.kind === 'split' ? record.state.into.flatMap((part) => wholeOrParts(state, part)) : [record];
}

/** The shard and file on which another agent tries an error; null if no shard has it any more. */
export function recheckIn(
  state: RunState,
  { file, shard }: Doubt,
): { readonly record: ShardRecord; readonly progress: FileProgress } | null {
  for (const record of wholeOrParts(state, shard)) {
    // For a directory, one file below it is enough.
    const below = [...record.files.values()].find((each) => isUncollected(each) && isAbove(file, each.file));
    const progress = record.files.get(file) ?? below;
    if (progress !== undefined && progress.selectors.length > 0) return { record, progress };
  }
  return null;
}

/** Links an enqueued recheck to the errors that its selectors cover. Call it before the attempt is added to the shard. */
export function beginRecheck(state: RunState, attempt: AttemptRecord, selectors: readonly Selector[]): void {
  const files = new Set(selectors.map(({ file }) => file));
  for (const doubt of state.doubts.values()) {
    const found = recheckIn(state, doubt);
    if (found !== null && found.record.shard.id === attempt.shard && files.has(found.progress.file)) doubt.rechecks.push(attempt);
  }
}
