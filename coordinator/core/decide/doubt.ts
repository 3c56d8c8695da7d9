// Collection errors that may be the agent's fault: another agent tries the same file. If that works, the error is dropped and the agent is to blame;
// if it fails there too, the error is the suite's. The error stands meanwhile, and where nobody else can try. Where every agent collects the whole list
// nothing needs a try: the lists of the others say whether they could collect the file. Agents that are alike cannot be to blame: what an import gives
// depends on what the process imported before, so the suite is not separable.

import type { AgentInfo } from '../../../shared/domain/events.ts';
import { compareFingerprints } from '../../../shared/domain/fingerprint.ts';
import type { AgentId, ShardId, TestFile } from '../../../shared/domain/ids.ts';
import type { Selector } from '../../../shared/domain/shard.ts';
import { forgetErrors, isFoundByDiscovery } from '../state/collect-errors.ts';
import type { Action } from '../state/events.ts';
import { isAbove, isComplete, unfinishedSeconds } from '../state/remaining-work.ts';
import {
  type AgentRecord,
  type AttemptRecord,
  allAttemptsOf,
  type FileProgress,
  isUncollected,
  type RunState,
  type ShardRecord,
} from '../state/run-state.ts';
import { reopen } from '../state/settle.ts';
import { hasOddList, isSuite } from '../state/suite.ts';
import { isServing } from './quarantine.ts';
import { lackedFile, weighByLists } from './weigh-lists.ts';

/** So many errors of one agent are tried elsewhere. When all of these are confirmed, the suite is broken, and its other errors are believed. */
const TRIED_PER_AGENT = 10;
/** How many rechecks one error gets: they may crash, or be lost with their agent. */
const RECHECKS = 3;

/** An error that only one agent reported so far. */
export interface Doubt {
  /** A planned file, or a directory or conftest above planned files. */
  readonly file: TestFile;
  readonly agent: AgentId;
  /** Its attempts that reported the error: they ran nothing of the file, through no fault of the shard's. */
  readonly attempts: Set<AttemptRecord>;
  /** The shard of the first of them. */
  readonly shard: ShardId;
  readonly rechecks: AttemptRecord[];
}

/** The attempt of an agent that reports. */
export interface Reporter {
  readonly agent: AgentId;
  readonly attempt: AttemptRecord;
}

/** Is this error at odds with what another agent collected? The agent that reports it is to blame then. `planned` is the file's own, if it has one. */
export function isContradicted(state: RunState, file: TestFile, planned: FileProgress | undefined, { agent, attempt }: Reporter): boolean {
  // An error that is on record was compared with every collection since.
  if (state.collectErrors.has(file)) return false;
  const others = collectorsOf(state, file, planned, agent);
  if (others.some((other) => dependsOnProcess(state, file, agent, other))) return false;
  const [other] = others;
  // The last agent is never taken out: then its error is one until another agent comes.
  if (other === undefined || othersOf(state, agent).length === 0) return false;
  blame(state, agent, file, other);
  attempt.isVoid = true;
  return true;
}

/** Agents besides this one that collected the file, or one below the directory, without an error. */
function collectorsOf(state: RunState, file: TestFile, planned: FileProgress | undefined, agent: AgentId): readonly AgentId[] {
  if (isSuite(state)) {
    const word = weighByLists(state, file, agent);
    return word === null || word === 'confirmed' ? [] : [word];
  }
  return planned === undefined ? collectorsBelow(state, file, agent) : collectorsBeside(planned, agent);
}

const collectorsBeside = ({ collectedIn }: FileProgress, agent: AgentId): readonly AgentId[] =>
  [...collectedIn.values()].filter((collector) => collector !== agent);

const collectorsBelow = (state: RunState, path: TestFile, agent: AgentId): readonly AgentId[] =>
  [...state.shards.values()].flatMap(({ files }) =>
    [...files.values()].flatMap((progress) => (isAbove(path, progress.file) ? collectorsBeside(progress, agent) : [])),
  );

/** Could only one of two agents collect the file, though they are alike? Then its process made the difference, and the run needs the whole list. */
function dependsOnProcess(state: RunState, file: TestFile, failing: AgentId, collecting: AgentId): boolean {
  if (isSuite(state) || !areAlike(state.agents.get(failing)?.info, state.agents.get(collecting)?.info)) return false;
  state.suite.inseparable ??= `one process could collect ${file}, and another could not`;
  state.revision += 1;
  return true;
}

/** Are both on one machine, with the same files and the same installed packages? What is not known is not the same. */
function areAlike(one: AgentInfo | null | undefined, other: AgentInfo | null | undefined): boolean {
  if (one == null || other == null || one.host !== other.host) return false;
  const [left, right] = [one.fingerprint, other.fingerprint];
  if (left.files === null || left.python === null || right.files === null || right.python === null) return false;
  const { refused, warned } = compareFingerprints(left, right);
  return refused.length === 0 && warned.length === 0;
}

/** An error of a file is recorded. The first report of it is doubted, unless discovery knows it too; one by another agent confirms it. */
export function observeError(state: RunState, file: TestFile, by: Reporter, shard: ShardId, isFirst: boolean): void {
  const doubt = state.doubts.get(file);
  if (doubt === undefined) {
    if (isSuite(state) && weighByLists(state, file, by.agent) === 'confirmed') return;
    if (!isFirst || isBelieved(state, by.agent) || isFoundByDiscovery(state, file)) return;
    state.doubts.set(file, { file, agent: by.agent, attempts: new Set([by.attempt]), shard, rechecks: [] });
  } else if (doubt.agent === by.agent) doubt.attempts.add(by.attempt);
  else confirm(state, doubt);
}

function confirm(state: RunState, doubt: Doubt): void {
  state.doubts.delete(doubt.file);
  state.revision += 1;
  const conduct = state.agents.get(doubt.agent)?.conduct;
  if (conduct !== undefined) conduct.confirmedErrors += 1;
  if (isBelieved(state, doubt.agent)) for (const other of doubtsOf(state, doubt.agent)) state.doubts.delete(other.file);
}

/** A list came: agents that lack a file of the plan's list are to blame, and errors of others are confirmed or refuted by it. */
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

function refute(state: RunState, doubt: Doubt, by: AgentId): void {
  blame(state, doubt.agent, doubt.file, by);
  drop(state, [doubt]);
}

/** An attempt collected this file. Errors of other agents at the file or above it are refuted; tests that came with an error confirm it. */
export function observeCollection(state: RunState, progress: FileProgress, { agent, attempt }: Reporter): void {
  if (progress.failedIn.has(attempt.id)) {
    if (state.doubts.get(progress.file)?.attempts.has(attempt) === true) {
      state.doubts.delete(progress.file);
      state.revision += 1;
    }
    return;
  }
  // Received again, it says nothing new.
  if (progress.collectedIn.has(attempt.id)) return;
  progress.collectedIn.set(attempt.id, agent);
  if (state.doubts.size === 0) return;
  const refuted = [...state.doubts.values()].filter(
    (doubt) =>
      doubt.agent !== agent &&
      (doubt.file === progress.file || isAbove(doubt.file, progress.file)) &&
      // The error stays on record in case the run does not restart.
      !dependsOnProcess(state, doubt.file, doubt.agent, agent),
  );
  for (const doubt of refuted) blame(state, doubt.agent, doubt.file, agent);
  drop(state, refuted);
}

function blame(state: RunState, agent: AgentId, file: TestFile, collectedBy: AgentId): void {
  const conduct = state.agents.get(agent)?.conduct;
  if (conduct === undefined || conduct.contradicted !== null) return;
  conduct.contradicted = { file, by: collectedBy };
  state.revision += 1;
}

/** Enough of its errors were confirmed, and none was refuted. */
function isBelieved(state: RunState, agent: AgentId): boolean {
  const conduct = state.agents.get(agent)?.conduct;
  return conduct === undefined || (conduct.contradicted === null && conduct.confirmedErrors >= TRIED_PER_AGENT);
}

const doubtsOf = (state: RunState, agent: AgentId): readonly Doubt[] => [...state.doubts.values()].filter((doubt) => doubt.agent === agent);

/** The agent is out: its errors that nobody confirmed are dropped, and what they kept from running runs elsewhere. */
export const dropDoubtsOf = (state: RunState, agent: AgentId): void => drop(state, doubtsOf(state, agent));

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
  state.revision += 1;
  reopen(state);
}

/** Agents besides this one that could try what it failed at. */
const othersOf = (state: RunState, agent: AgentId): readonly AgentRecord[] =>
  [...state.agents.values()].filter((other) => other.id !== agent && isServing(state, other));

const isUnderWay = ({ rechecks }: Doubt): boolean => rechecks.some((attempt) => attempt.state.kind !== 'ended');

/** May the error still turn out to be its agent's fault? */
function isOpen(state: RunState, doubt: Doubt): boolean {
  const agent = state.agents.get(doubt.agent);
  if (agent !== undefined && isToBlame(state, agent)) return true;
  if (isSuite(state)) return othersOf(state, doubt.agent).some(({ id }) => !state.suite.lists.has(id));
  if (othersOf(state, doubt.agent).length === 0 || recheckIn(state, doubt) === null) return false;
  return isUnderWay(doubt) || doubt.rechecks.length < RECHECKS;
}

/** Errors that do not count yet against a limit of failures. */
export function openDoubts(state: RunState): readonly Doubt[] {
  // Where only one agent serves there is nothing to weigh, however many errors it reports.
  if (state.doubts.size === 0 || [...state.agents.values()].filter((agent) => isServing(state, agent)).length === 0) return [];
  return [...state.doubts.values()].filter((doubt) => isOpen(state, doubt));
}

/** May collection errors, or failures of an agent that is to blame for one, still come to something else? */
export const isRechecking = (state: RunState): boolean =>
  openDoubts(state).length > 0 || [...state.agents.values()].some((agent) => isToBlame(state, agent));

/** Will it be quarantined, as another agent collected what it could not? */
export const isToBlame = (state: RunState, agent: AgentRecord): boolean =>
  agent.conduct.contradicted !== null && isServing(state, agent) && othersOf(state, agent.id).length > 0;

/** The shard and file with which an error is tried elsewhere; null where no shard holds it any more. */
function recheckIn(state: RunState, { file, shard }: Doubt): { readonly record: ShardRecord; readonly progress: FileProgress } | null {
  for (const record of wholeOrParts(state, shard)) {
    // Of a directory one file below it is enough.
    const below = [...record.files.values()].find((each) => isUncollected(each) && isAbove(file, each.file));
    const progress = record.files.get(file) ?? below;
    if (progress !== undefined && progress.selectors.length > 0) return { record, progress };
  }
  return null;
}

/** The shard, or the parts that stand for it. */
function wholeOrParts(state: RunState, shard: ShardId): readonly ShardRecord[] {
  const record = state.shards.get(shard);
  if (record === undefined) return [];
  return record.state.kind === 'split' ? record.state.into.flatMap((part) => wholeOrParts(state, part)) : [record];
}

/** What is due for a recheck now, by its shard: no more of one agent at a time than are tried at all. */
function dueDoubts(state: RunState, leaving: ReadonlySet<AgentId> = new Set()): ReadonlyMap<ShardRecord, readonly Doubt[]> {
  const due = new Map<ShardRecord, Doubt[]>();
  if (isSuite(state)) return due;
  for (const [agent, doubts] of Map.groupBy(openDoubts(state), (doubt) => doubt.agent)) {
    if (leaving.has(agent) || othersOf(state, agent).every(({ id }) => leaving.has(id))) continue;
    const confirmed = state.agents.get(agent)?.conduct.confirmedErrors ?? 0;
    let room = TRIED_PER_AGENT - confirmed - doubts.filter(isUnderWay).length;
    for (const doubt of doubts) {
      const found = recheckIn(state, doubt);
      if (room <= 0 || isUnderWay(doubt) || found === null || !isAtRest(state, found.record)) continue;
      due.set(found.record, [...(due.get(found.record) ?? []), doubt]);
      room -= 1;
    }
  }
  return due;
}

const isAtRest = (state: RunState, record: ShardRecord): boolean =>
  (record.state.kind === 'done' || record.state.kind === 'given-up' || (record.state.kind === 'planned' && isComplete(state, record))) &&
  allAttemptsOf(record).every(({ role, state: its }) => role !== 'recheck' || its.kind === 'ended');

/** `leaving` are quarantined at the same time: their errors are dropped with them, and they try none. */
export const decideRechecks = (state: RunState, leaving: ReadonlySet<AgentId>): readonly Action[] =>
  [...dueDoubts(state, leaving).keys()].map(({ shard }) => ({ kind: 'start-attempt', shard: shard.id, role: 'recheck' }));

/** A recheck of this shard is enqueued: what is due of it is in there. Called before the attempt is one of the shard's. */
export function beginRecheck(state: RunState, attempt: AttemptRecord): void {
  for (const [{ shard }, doubts] of dueDoubts(state))
    if (shard.id === attempt.shard) for (const doubt of doubts) doubt.rechecks.push(attempt);
}

export interface RecheckWork {
  readonly selectors: readonly Selector[];
  readonly predictedSeconds: number;
  readonly avoid: readonly AgentId[];
}

/** What the next recheck of this shard runs, and who leaves it to others: an agent that collected something already is the better judge. */
export function recheckWork(state: RunState, shard: ShardId): RecheckWork {
  const doubts = [...dueDoubts(state)].find(([record]) => record.shard.id === shard)?.[1] ?? [];
  const found = doubts.flatMap((doubt) => recheckIn(state, doubt) ?? []);
  const accused = new Set(doubts.map(({ agent }) => agent));
  const others = [...state.agents.values()].filter((agent) => !accused.has(agent.id) && isServing(state, agent));
  const proven = others.filter(({ conduct }) => conduct.passes > 0);
  const judges = new Set((proven.length > 0 ? proven : others).map(({ id }) => id));
  return {
    selectors: [...new Set(found.flatMap(({ progress }) => progress.selectors))],
    predictedSeconds: found.reduce((sum, { record, progress }) => sum + unfinishedSeconds(record, progress), 0),
    avoid: [...state.agents.values()].filter(({ id, presence }) => presence === 'alive' && !judges.has(id)).map(({ id }) => id),
  };
}
