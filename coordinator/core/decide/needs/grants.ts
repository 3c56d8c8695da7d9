// Grants attempts the labels and resources that their tests need.
//
// The coordinator is the only owner of resources, and an attempt gets all of its resources at once or none. So no two attempts can wait for
// each other. The shard that has waited longest goes first, and what it lacks is kept free for it. Units that the run shares with other runs
// are then claimed for the shard, and it starts once they are granted: see pool-grants.ts.

import type { AttemptId } from '../../../../shared/domain/ids.ts';
import { isSameClaim, type UnitsClaim } from '../../../../shared/domain/leased-units.ts';
import { excessNames, hasLabels, limitOf, type Needs, NO_NEEDS } from '../../../../shared/domain/needs.ts';
import { unitsInUse } from '../../state/attempts/holders.ts';
import { sharesUnits } from '../../state/attempts/unit-claims.ts';
import { openWait, waitingSince } from '../../state/attempts/waits.ts';
import type { ShardRecord } from '../../state/records.ts';
import type { RunState } from '../../state/run-state.ts';
import type { Action } from '../actions.ts';
import type { Admission } from '../admission.ts';
import { nextAttemptId } from '../attempt-request.ts';
import { isAnyoneHere, isAnyoneWorking, isPlaceable, needsOf } from './placement.ts';

type Start = Extract<Action, { readonly kind: 'start-attempt' }>;

interface Asking {
  readonly start: Start;
  readonly record: ShardRecord;
  readonly needs: Needs;
}

/**
 * Returns the actions without the starts that must wait, and with a new `await-needs` for each of these that lacks something and did not wait
 * before. A start that `admission` does not admit asks for nothing, except for a label that no agent has: no room helps it.
 */
export function grantStarts(state: RunState, actions: readonly Action[], admission: Admission): readonly Action[] {
  const asking = actions.flatMap((action) => askingOf(state, action));
  const book = openBook(state);
  const denied = new Set<Action>();
  let isStarting = false;
  const ask = (asked: Asking): void => {
    if (!book.grants(asked)) {
      denied.add(asked.start);
      return;
    }
    admission.start(asked.record);
    isStarting = true;
  };
  const tooLong: Asking[] = [];
  for (const asked of inTurn(state, asking)) {
    const answer = admission.judge(asked.record);
    if (answer === 'admissible' || !isPlaced(state, asked) || (answer === 'no-room' && awaitsUnits(state, asked))) ask(asked);
    else if (answer === 'too-long') tooLong.push(asked);
    else denied.add(asked.start);
  }
  const isFilling = !isStarting;
  for (const asked of tooLong) {
    if (isFilling && admission.fillsIdleSlot(asked.record)) ask(asked);
    else denied.add(asked.start);
  }
  return [...actions.filter((action) => !denied.has(action)), ...book.waits, ...claims(state, book.wanted, book.starting)];
}

/** The units that are in use or kept free, as one start after the other asks for its own. */
function openBook(state: RunState) {
  const inUse = new Map(unitsInUse(state));
  const isServed = !sharesUnits(state) || isAnyoneWorking(state);
  const waits: Action[] = [];
  const wanted: UnitsClaim[] = [];
  const starting = new Set<AttemptId>();
  /** Whether the start has all that it needs. If not, its wait is recorded and the units it lacks are kept free for it. */
  const grants = (asked: Asking): boolean => {
    const { record, needs } = asked;
    if (needs === NO_NEEDS) return true;
    let lacks = lacking(state, asked, inUse);
    // Other runs may use these units until an agent takes the work of this one.
    if (!isServed && needs.resources.length > 0 && (lacks === null || lacks.resources.length > 0)) return false;
    if (lacks === null && sharesUnits(state) && needs.resources.length > 0) {
      const claim = { attempt: nextAttemptId(record), resources: needs.resources };
      if (isGranted(state, claim)) {
        starting.add(claim.attempt);
        return true;
      }
      wanted.push(claim);
      // Until the first answer, it is not known whether the shard waits.
      if (!state.units.waiting.has(claim.attempt)) return false;
      lacks = { labels: [], resources: needs.resources };
    }
    if (lacks === null) return true;
    if (isNewWait(state, record, lacks)) waits.push({ kind: 'await-needs', shard: record.shard.id, lacks });
    return false;
  };
  return { waits, wanted, starting, grants };
}

/** A grant is for the units that were claimed: the attempt may need others by now. */
const isGranted = ({ units }: RunState, claim: UnitsClaim): boolean =>
  units.granted.has(claim.attempt) && units.wanted.some((each) => isSameClaim(each, claim));

/** The claims of the run if they have changed. */
function claims({ units }: RunState, wanted: readonly UnitsClaim[], starting: ReadonlySet<AttemptId>): readonly Action[] {
  const waiting = units.wanted.filter(({ attempt }) => !starting.has(attempt));
  const isSame =
    wanted.length === waiting.length &&
    wanted.every((claim, index) => waiting.slice(index, index + 1).some((each) => isSameClaim(each, claim)));
  return isSame ? [] : [{ kind: 'claim-units', claims: wanted }];
}

function askingOf(state: RunState, action: Action): readonly Asking[] {
  if (action.kind !== 'start-attempt') return [];
  const record = state.shards.get(action.shard);
  return record === undefined ? [] : [{ start: action, record, needs: needsOf(state, record, action.role) }];
}

/** Whether the shard has claimed its units. */
const isClaimed = ({ units }: RunState, record: ShardRecord): boolean =>
  units.wanted.length > 0 && units.wanted.some(({ attempt }) => attempt === nextAttemptId(record));

/** What has waited longest goes first. Shards whose units are claimed already go before, so that no claim gives way to a later one. */
function inTurn(state: RunState, asking: readonly Asking[]): readonly Asking[] {
  const turnOf = ({ record }: Asking): number => (isClaimed(state, record) ? Number.NEGATIVE_INFINITY : waitingSince(record));
  const turns = asking.map((asked) => ({ asked, turn: turnOf(asked) }));
  return turns.sort((one, other) => (one.turn === other.turn ? 0 : one.turn - other.turn)).map(({ asked }) => asked);
}

/** Whether the start waits for units. They are few and nothing else may use them, so it needs no room in the queue. */
const awaitsUnits = (state: RunState, { record }: Asking): boolean =>
  isClaimed(state, record) || (openWait(record)?.lacks.resources.length ?? 0) > 0;

/** A rerun that no agent can take starts and is used up at once: the failure stays. */
const isPlaced = (state: RunState, { start: { role }, needs: { labels } }: Asking): boolean =>
  labels.length === 0 || role === 'rerun' || role === 'recheck' || isPlaceable(state, labels);

/** What the attempt lacks; null if it may start. Counts its units as in use either way, so that no later one overtakes it. */
function lacking(state: RunState, asked: Asking, inUse: Map<string, number>): Needs | null {
  const { labels, resources } = asked.needs;
  if (!isPlaced(state, asked)) return { labels: missingLabels(state, labels), resources: [] };
  const lacks = resources.filter(({ name, units }) => (inUse.get(name) ?? 0) + units > limitOf(state.opened.resources, name));
  for (const { name, units } of resources) inUse.set(name, (inUse.get(name) ?? 0) + units);
  return lacks.length === 0 ? null : { labels: [], resources: lacks };
}

/** The labels of no agent that takes attempts; all of them if such agents have each, but none has all. */
function missingLabels({ agents }: RunState, labels: readonly string[]): readonly string[] {
  const missing = labels.filter(
    (label) =>
      ![...agents.values()].some(({ info, presence, isDraining }) => presence === 'alive' && !isDraining && info?.labels?.includes(label)),
  );
  return missing.length > 0 ? missing : labels;
}

/** Before any agent has joined, the run waits for an agent, not for a label. */
function isNewWait(state: RunState, record: ShardRecord, lacks: Needs): boolean {
  if (lacks.labels.length > 0 && !isAnyoneHere(state)) return false;
  const wait = openWait(record);
  return wait === null || !hasLabels(wait.lacks.labels, lacks.labels) || !hasLabels(lacks.labels, wait.lacks.labels);
}

/** Gives up due shards that need what the fleet will not have. */
export const decideUnmet = (state: RunState, due: readonly ShardRecord[]): readonly Action[] =>
  due
    .filter((record) => unmetNeeds(state, record) !== null)
    .map(({ shard }) => ({ kind: 'give-up-shard', shard: shard.id, why: 'unmet-needs' }));

/** What the shard needs and the fleet will not have; null if it has all, or may still get it. */
export function unmetNeeds(state: RunState, record: ShardRecord): Needs | null {
  const { needs = NO_NEEDS } = record.shard;
  if (excessNames(needs) !== null) return needs;
  const { labels, resources } = needs;
  const excessive = resources.filter(({ name, units }) => units > limitOf(state.opened.resources, name));
  if (excessive.length > 0) return { labels: [], resources: excessive };
  const wait = openWait(record);
  if (wait === null || wait.lacks.labels.length === 0 || isPlaceable(state, labels)) return null;
  const { waitAgentSeconds } = state.opened;
  const isLate = state.coordinatorAt - wait.since >= waitAgentSeconds * 1000;
  return isLate || (isEveryoneHere(state) && !mayReturn(state, labels)) ? wait.lacks : null;
}

/** Whether an agent with these labels is out of touch, and not known to be gone for good. */
const mayReturn = ({ agents }: RunState, labels: readonly string[]): boolean =>
  [...agents.values()].some(({ info, presence }) => presence === 'lost' && hasLabels(info?.labels ?? [], labels));

/** True if no other agent can join the run. */
function isEveryoneHere({ opened, agents }: RunState): boolean {
  if (opened.onlyAgents === null) return false;
  return [...agents.values()].filter(({ info, unfit }) => info !== null || unfit !== null).length >= opened.onlyAgents;
}
