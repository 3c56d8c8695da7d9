// Decides which events of a run print a permanent line: those that a person wants to know at once.

import { assertNever } from '../../../shared/assert-never.ts';
import type { AgentInfo, AttemptEvent } from '../../../shared/domain/events.ts';
import { type AgentId, pytestId } from '../../../shared/domain/ids.ts';
import { limitOf, type Needs, NO_NEEDS } from '../../../shared/domain/needs.ts';
import { isFailure } from '../../../shared/domain/outcome.ts';
import type { Shard } from '../../../shared/domain/shard.ts';
import { compareFingerprints, NO_DIFFERENCES } from '../../../shared/domain/suite/fingerprint.ts';
import type { Verbosity } from '../../../shared/settings/settings.ts';
import { briefOf } from '../../../shared/text/brief.ts';
import { oneLine, plural, shortName } from '../../../shared/text/safe-text.ts';
import { shellCommand } from '../../../shared/text/shell-quote.ts';
import { whyDismissed, whyUnfit } from '../../core/result/agent-end.ts';
import { causeOf } from '../../core/result/cause.ts';
import { lackedBy, needsText } from '../../core/result/needs-text.ts';
import { LOCAL_AGENT } from '../../core/result/profile.ts';
import { isFirstRejection, senderWords } from '../../core/state/agents/rejections.ts';
import type { Change, ResultAccepted } from '../../core/state/changes.ts';
import type { CloseReason, CoordinatorEvent, EventOf } from '../../core/state/events.ts';
import { attemptsOf, type ShardRecord } from '../../core/state/records.ts';
import { isRerunLimitExceeded } from '../../core/state/results.ts';
import type { RunState } from '../../core/state/run-state.ts';
import { declineLine } from '../text/absence-text.ts';
import { lateLine, timeLeft } from './forecast-text.ts';
import { failuresOf, type Tally } from './tally.ts';

export interface News {
  readonly event: CoordinatorEvent;
  /** The state after the event, the changes it made, and the tally including its results. */
  readonly state: RunState;
  readonly changes: readonly Change[];
  readonly tally: Tally;
  /** The number of consecutive forecasts just before this event that predicted a missed deadline. */
  readonly lateForecasts: number;
}

/** Number of consecutive late forecasts before shardline warns. The first forecast knows only the first agents and no test yet. */
const BELIEVED = 2;

/** Returns lines without a final newline; most events give none. */
export function eventLines({ event, state, changes, tally, lateForecasts }: News, verbosity: Verbosity): readonly string[] {
  switch (event.kind) {
    case 'run-opened':
      return [runOpened(event)];
    case 'run-resumed':
      return [`Resumed run ${state.opened.spec.runId}: ${plural(tally.done, 'test')} done, ${failuresOf(tally)} failed`];
    case 'redis-emptied':
      return ['Redis lost its data: announcing the run again and re-queueing unfinished tests.'];
    case 'agent-returned':
      return [`Agent ${oneLine(event.agent)} reconnected.`];
    case 'agent-joined':
      return [
        `Agent ${oneLine(event.agent.id)} joined: ${plural(event.agent.workers, 'worker')} on ${oneLine(event.agent.host)}`,
        ...warnings(event.agent, state),
      ];
    case 'suite-planned':
      return suitePlanned(event.shards, state);
    case 'agent-unfit':
      return unfitLines(event, state);
    case 'agent-dismissed':
      return [dismissedLine(event, state)];
    case 'agent-lost':
      return [...lostLine(event, state), ...alone(event.agent, changes, state)];
    case 'agent-left':
      return alone(event.agent, changes, state);
    case 'redis-lost':
      return [`Lost Redis: ${oneLine(event.message.replaceAll('\n', ' ').replace(/\.$/, ''))}. Ending the run with the results so far.`];
    case 'message-rejected':
      return isFirstRejection(state, event) ? [rejectedLine(event)] : [];
    case 'stream-read':
      return missingLines(changes);
    case 'pool-seen':
      return declined(event, state);
    case 'no-agent-can-come':
      return [`No agent is left: ${oneLine(event.message)}`];
    case 'session-ended':
      return event.problem === null ? [] : [`ERROR at the end of pytest on ${oneLine(event.agent)}: ${oneLine(briefOf(event.problem))}`];
    case 'interrupt-requested':
      return [interruptLine(event.by)];
    case 'attempt-reported':
      return event.event.kind === 'collect-failed'
        ? collectFailed(event.event, event.agent, changes, state)
        : resultLines(changes, verbosity);
    case 'attempt-ended':
      return attemptEnded(event);
    case 'attempt-enqueued':
      return event.role === 'backup' ? [`Shard ${event.shard} is a straggler: re-running it on another agent; the first result wins.`] : [];
    case 'shard-split':
      return event.byNeeds === true
        ? learnedNeeds(event, state, verbosity)
        : [`Shard ${event.shard} keeps crashing pytest; isolating it in ${plural(event.into.length, 'part')}.`];
    case 'shard-waits':
      return waitingLines(event, state, verbosity);
    case 'shard-given-up':
      return [...unmetLines(event, state), ...vanishedLines(event, state)];
    case 'forecast':
      return forecastLines(event, lateForecasts);
    case 'run-closed':
      return [...rerunNothing(state), ...onlyRefused(event.why, state), ...emptyPool(event.why, state)];
    case 'agent-draining':
      return state.closed === null ? [`Agent ${oneLine(event.agent)} drains: it takes no more shards.`] : [];
    case 'agent-asked':
    case 'attempt-cancelled':
    case 'attempt-lost':
    case 'attempt-started':
    case 'attempt-taken':
    case 'coverage-combined':
    case 'coverage-kept':
    case 'run-restarted':
    case 'session-shown':
    case 'suite-inseparable':
    case 'suite-listed':
    case 'suite-refused':
    case 'tick':
    case 'units-claimed':
    case 'units-leased':
      return [];
    default:
      return assertNever(event);
  }
}

/** If every xdist worker collects the whole suite, the shards are planned only when the tests are known. */
function runOpened({ spec, shards, part }: EventOf<'run-opened'>): string {
  const inShards = spec.collect === 'suite' ? '' : ` in ${plural(shards.length, 'shard')}`;
  if (part !== null) {
    const { index, total, files, digest } = part;
    return `Run ${spec.runId}: part ${index} of ${total}, ${filesIn(shards)} of ${plural(files.length, 'test file')}${inShards} (plan ${digest})`;
  }
  return `Run ${spec.runId}: found ${plural(filesIn(shards), 'test file')}${inShards}`;
}

/** Later runs plan with what this run learns. */
function learnedNeeds({ shard, into }: EventOf<'shard-split'>, { opened }: RunState, verbosity: Verbosity): readonly string[] {
  if (verbosity !== 'verbose') return [];
  const needs = into.flatMap(({ needs: own }) => (own === undefined ? [] : [needsText(own, opened.resources)]));
  return [`Shard ${shard} has tests that need ${[...new Set(needs)].join('; ')}: planned them anew.`];
}

/** Labels that no agent has are named once. */
function waitingLines({ shard, lacks }: EventOf<'shard-waits'>, { shards, opened }: RunState, verbosity: Verbosity): readonly string[] {
  if (lacks.labels.length > 0) {
    const asked = lacks.labels.join(' ');
    const waits = [...shards.values()].flatMap((record) => record.waits).filter((wait) => wait.lacks.labels.join(' ') === asked);
    if (waits.length > 1) return [];
    // A run with its own agents does not wait for others, and says at once which tests did not run.
    if (opened.onlyAgents !== null) return [];
    const seconds = opened.waitAgentSeconds;
    return [
      `No agent has ${oneLine(needsText(lacks))}: tests wait up to ${seconds} s for one. Fix: start an agent with ${labelFlags(lacks)}.`,
    ];
  }
  return verbosity === 'verbose' ? [`Shard ${shard} waits for ${oneLine(needsText(lacks))}.`] : [];
}

const labelFlags = ({ labels }: Needs): string => `\`${labels.map((label) => `--label ${oneLine(label)}`).join(' ')}\``;

function unmetLines({ shard }: EventOf<'shard-given-up'>, state: RunState): readonly string[] {
  const record = state.shards.get(shard);
  const lacked = record === undefined ? null : lackedBy(state, record);
  if (record === undefined || lacked === null) return [];
  const files = [...new Set(record.shard.selectors.map(({ file }) => file))].join(', ');
  return [`Not run: tests in ${oneLine(files)} need ${oneLine(lacked)}.${needsFix(state, record)}`];
}

function needsFix({ opened }: RunState, { shard, waits }: ShardRecord): string {
  const asked = shard.needs ?? NO_NEEDS;
  const isExcessive = asked.resources.some(({ name, units }) => units > limitOf(opened.resources, name));
  if (isExcessive) return ' Fix: raise the limit in `[tool.shardline.resources]`, or let the tests use fewer units.';
  const lacks = waits.at(-1)?.lacks ?? NO_NEEDS;
  if (lacks.labels.length === 0) return '';
  if (opened.onlyAgents === null) return ` Fix: start an agent with ${labelFlags(lacks)}.`;
  return ` Fix: add ${labelFlags(lacks)} if this machine has what they need, or use a Redis that such an agent joins.`;
}

/** The tests are not to blame: no agent has begun them. */
function vanishedLines({ shard, why }: EventOf<'shard-given-up'>, state: RunState): readonly string[] {
  const record = state.shards.get(shard);
  const attempts = record === undefined || why !== 'crash-limit' ? [] : attemptsOf(record);
  if (attempts.length === 0 || attempts.some(({ startedAt }) => startedAt !== null)) return [];
  const lost = plural(attempts.length, 'attempt');
  return [`Gave up shard ${shard}: ${lost} disappeared from Redis before an agent reported their start. Fix: check the agents' logs.`];
}

const FIX_WORKSPACE = "Fix: check out the run's commit there with the same packages, or start the run with --fingerprint warn.";

function interruptLine(by: string): string {
  if (by === 'cancel') return 'Cancelled by `shardline cancel`: finishing up, results are kept.';
  const [what, again] = by === 'SIGINT' ? ['Interrupted', 'Press Ctrl-C again'] : [`Interrupted by ${oneLine(by)}`, 'Send it again'];
  return `${what}: finishing up, results are kept. ${again} to quit now.`;
}

const missingLines = (changes: readonly Change[]): readonly string[] =>
  changes
    .filter((change) => change.kind === 'messages-missing')
    .map(
      ({ agent, messages }) =>
        `Missing ${plural(messages, 'message')} of agent ${oneLine(agent)}: deleted from Redis, or lost by it. The run cannot pass.`,
    );

/** A teardown error names a test that is already known; every other error prevents a collection. */
function collectFailed(
  { file, errors }: Extract<AttemptEvent, { kind: 'collect-failed' }>,
  agent: AgentId,
  changes: readonly Change[],
  { tests }: RunState,
): readonly string[] {
  if (!changes.some(({ kind }) => kind === 'collect-error')) return [];
  const after = errors.find(({ nodeid }) => nodeid.includes('::') && tests.has(nodeid));
  const what = after === undefined ? `collecting ${shortName(file)}` : `at teardown of ${shortName(after.nodeid)}`;
  return [`ERROR ${what} (${oneLine(agent)})`];
}

const resultLines = (changes: readonly Change[], verbosity: Verbosity): readonly string[] =>
  changes
    .filter((change) => change.kind === 'result-accepted')
    .filter(({ rerun, accepted }) => rerun !== null || isFailure(accepted.result.outcome) || verbosity === 'verbose')
    .map(resultLine);

function resultLine({ accepted: { result, agent }, rerun }: ResultAccepted): string {
  const which = rerun === null ? '' : `, rerun ${rerun.count} of ${rerun.of}`;
  return `${result.outcome.toUpperCase()} ${shortName(pytestId(result.nodeid))} (${oneLine(agent)}${which})`;
}

function attemptEnded({ ending, agent, shard }: EventOf<'attempt-ended'>): readonly string[] {
  if (ending.kind !== 'crashed' && ending.kind !== 'not-started') return [];
  const what = ending.kind === 'crashed' ? 'crashed' : 'did not start';
  return [`pytest ${what} on agent ${oneLine(agent)} (shard ${shard}): ${oneLine(causeOf(ending.detail))}`];
}

function forecastLines(forecast: EventOf<'forecast'>, lateForecasts: number): readonly string[] {
  const late = lateLine(forecast);
  if (late !== null) return lateForecasts + 1 === BELIEVED ? [late] : [];
  return lateForecasts >= BELIEVED ? [`On time for the deadline again: ${timeLeft(forecast)}`] : [];
}

function dismissedLine({ agent, why }: EventOf<'agent-dismissed'>, state: RunState): string {
  const [head, end] =
    why === 'fingerprint' ? ['Refused', `Its results do not count. ${FIX_WORKSPACE}`] : ['Quarantined', 'Re-queued its work.'];
  return `${head} agent ${oneLine(agent)}: ${oneLine(whyDismissed(state, agent, why))}. ${end}`;
}

/** The dismissal of an agent has re-queued its tests. */
const lostLine = ({ agent }: EventOf<'agent-lost'>, { agents }: RunState): readonly string[] =>
  agents.get(agent)?.conduct.dismissedFor == null ? [`Lost agent ${oneLine(agent)}; re-queued its unfinished tests.`] : [];

function alone(gone: AgentId, changes: readonly Change[], { agents, closed, opened, noAgentCanCome }: RunState): readonly string[] {
  const wasAlive = changes.some((change) => change.kind === 'agent-moved' && change.agent.id === gone && change.from === 'alive');
  const others = [...agents.values()].filter(({ id, presence }) => presence === 'alive' && id !== gone);
  if (others.length > 0 || closed !== null || noAgentCanCome !== null || !wasAlive) return [];
  return [
    `No agent is left: waiting ${opened.waitAgentSeconds} s for another. Start one with \`shardline agent --pool ${opened.spec.pool}\`.`,
  ];
}

/** An agent that the run started itself prints the error in the same terminal. */
function unfitLines({ agent, host, why, problem }: EventOf<'agent-unfit'>, { opened }: RunState): readonly string[] {
  const what = oneLine(whyUnfit(why, problem));
  if (why === 'fingerprint') return [`Refused agent ${oneLine(agent)}: ${what}. ${FIX_WORKSPACE}`];
  if (why === 'workspace') {
    const [first = '', ...more] = problem.split('\n').filter((line) => line.trim() !== '');
    return [`Agent ${oneLine(agent)} on ${oneLine(host)} has no workspace: ${oneLine(first)}`, ...more.map((line) => `  ${oneLine(line)}`)];
  }
  if (LOCAL_AGENT.test(agent)) return [];
  if (why === 'arguments') {
    const fix = problem.split('\n').findLast((line) => line.startsWith('Fix: ')) ?? '';
    return [`${what}. ${oneLine(fix)}`.trimEnd()];
  }
  const command = oneLine(shellCommand(['pytest', ...opened.spec.pytestArgs]));
  return [
    `Agent ${oneLine(agent)} on ${oneLine(host)} could not start pytest: ${what}. Fix: run \`${command}\` on ${oneLine(host)} to reproduce.`,
  ];
}

function suitePlanned(shards: readonly Shard[], { suite }: RunState): readonly string[] {
  const tests = (suite.list?.groups ?? []).reduce((sum, { nodeids }) => sum + nodeids.length, 0);
  const line = `Collected ${plural(tests, 'test')} from ${plural(filesIn(shards), 'file')} in ${plural(shards.length, 'shard')}`;
  if (suite.list === null || suite.list.order === 'free') return [line];
  const how = suite.list.order === 'strict' ? 'One worker runs all tests in order' : 'Tests run in collection order';
  return [line, `${how}: ${oneLine(suite.list.why ?? '')}`];
}

/** Returns the differences of an agent's workspace that do not stop the agent. */
function warnings({ id, isLocal, fingerprint }: AgentInfo, { opened }: RunState): readonly string[] {
  const { fingerprintPolicy: policy, files } = opened.spec;
  const { refused, warned } = isLocal ? NO_DIFFERENCES : compareFingerprints({ files, python: opened.python }, fingerprint);
  const shown = policy === 'strict' ? warned : [...refused, ...warned];
  return shown.map((difference) => `warning: agent ${oneLine(id)} differs from the run: ${oneLine(difference)}`);
}

const rerunNothing = (state: RunState): readonly string[] =>
  state.opened.reruns.times > 0 && isRerunLimitExceeded(state)
    ? [`Re-ran nothing: ${plural(state.failed.size, 'test')} failed, more than --reruns-limit allows.`]
    : [];

/** Explains why no agent was left to run the tests if all agents that joined were refused. */
function onlyRefused(why: CloseReason, { agents }: RunState): readonly string[] {
  if (why.kind === 'done' || why.notRun !== 'no-agent') return [];
  const refused = [...agents.values()].filter(
    ({ unfit, conduct }) => unfit?.why === 'fingerprint' || conduct.dismissedFor === 'fingerprint',
  );
  return refused.length === 0 ? [] : [`All agents were refused (${refused.map(({ id }) => oneLine(id)).join(', ')}): see above.`];
}

/** `Rejected a message of agent a1: it is not signed. Fix: …`. The report counts the others of this sender and cause. */
function rejectedLine({ agent, problem }: EventOf<'message-rejected'>): string {
  const sender = oneLine(senderWords(agent));
  const lines = problem.split('\n').map(oneLine);
  const what = (lines[0] ?? '').replace(/^Could not (?:trust|parse) [^:]*: /, '');
  const fix = lines.findLast((line) => line.startsWith('Fix: '));
  return `Rejected a message of ${sender}: ${what}${fix === undefined ? '' : ` ${fix}`}`;
}

/** Each cause once. */
const declined = ({ at }: EventOf<'pool-seen'>, { absences }: RunState): readonly string[] =>
  absences.flatMap((absence) => (absence.sinceAt === at ? (declineLine(absence) ?? []) : []));

/** The report names the agents of the pool; without any, this line says so. */
function emptyPool(why: CloseReason, { agents, absences, rejections, opened, redisLost, noAgentCanCome }: RunState): readonly string[] {
  if (why.kind === 'done' || why.notRun !== 'no-agent' || redisLost || noAgentCanCome !== null) return [];
  if (agents.size + absences.length + rejections.size > 0) return [];
  const { pool } = opened.spec;
  return [
    `No agent joined the run: there is none in pool ${pool}. Fix: start one with \`shardline agent --pool ${pool}\`, with the same Redis.`,
  ];
}

const filesIn = (shards: readonly { readonly selectors: readonly { readonly file: string }[] }[]): number =>
  new Set(shards.flatMap(({ selectors }) => selectors.map(({ file }) => file))).size;
