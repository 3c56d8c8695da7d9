// Lays out one screen of a run's status as lines, from the status and the terminal's size alone. screen-redraw.ts draws it.

import cliTruncate from 'cli-truncate';
import stringWidth from 'string-width';
import { countOf, oneLine, plural } from '../../../shared/text/safe-text.ts';
import { inMinutes, inPercent } from '../summary/profile-text.ts';
import type { Paint, Style } from '../text/colors.ts';
import { padded, widest } from '../text/fit.ts';
import { type AgentStatus, inOrder, type LaneStatus, type RunStatus } from './run-status.ts';
import { filesWords, outcomeCounts, testsWords, timeWords } from './status-text.ts';

export interface Canvas {
  /** Terminal columns and rows. */
  readonly width: number;
  readonly height: number;
  readonly paint: Paint;
}

/** The share of the terminal's height that the screen may use. The newest permanent lines stay visible above it. */
const PART = 2 / 3;
/** Ages below this are not shown: most tests end sooner. */
const LEAST_AGE_SECONDS = 1;
/** Fits `59 s`, so that names do not move when a test's age appears. */
const AGE_WIDTH = 4;
const BAR_WIDTH = { least: 8, most: 40 } as const;

/** Returns at least one line. No line is wider than the terminal, and there are fewer lines than the terminal has rows. */
export function screenLines(status: RunStatus, { width, height, paint }: Canvas): readonly string[] {
  const rows = Math.max(1, Math.min(height - 1, Math.floor(height * PART)));
  const head = [barLine(status, width, paint), countsLine(status, paint), timeLine(status, paint), slowestLine(status, paint)];
  const lines = [...head, ...agentLines(status.agents, rows - head.length, paint)];
  // The last column stays free: a terminal may draw a character wider than its stated width.
  return lines.slice(0, rows).map((line) => fitted(line, Math.max(1, width - 1)));
}

const styles: Readonly<Record<string, Style>> = {
  failed: 'boldRed',
  error: 'boldRed',
  'collection error': 'boldRed',
  flaky: 'yellow',
  skipped: 'yellow',
  passed: 'green',
};

function barLine(status: RunStatus, width: number, paint: Paint): string {
  const { share } = status.howFar;
  const words = `${inPercent(Math.floor(share * 100) / 100).padStart(5)}  ${paint('bold', testsWords(status))}  ${filesWords(status)}`;
  const room = width - stringWidth(words) - 2;
  if (room < BAR_WIDTH.least) return words.trimStart();
  const columns = Math.min(BAR_WIDTH.most, room);
  const full = Math.floor(share * columns);
  const isRed = outcomeCounts(status).some(({ word }) => styles[word] === 'boldRed');
  return `${paint(isRed ? 'red' : 'green', '█'.repeat(full))}${paint('dim', '░'.repeat(columns - full))} ${words}`;
}

function countsLine(status: RunStatus, paint: Paint): string {
  const counts = outcomeCounts(status).map(({ word, count }) => paint(styles[word] ?? 'dim', countOf(count, word)));
  return counts.join(', ') || paint('dim', 'no test finished yet');
}

function timeLine(status: RunStatus, paint: Paint): string {
  const words = timeWords(status);
  return status.lateSeconds > 0 && status.phase === 'running' ? paint('red', words) : words;
}

function slowestLine({ agents }: RunStatus, paint: Paint): string {
  const all = agents.flatMap(({ id, lanes }) => lanes.map((lane) => ({ ...lane, where: `${id} ${lane.worker}`.trim() })));
  const slowest = longestOf(all);
  if (slowest === undefined) return paint('dim', 'slowest now: no test over 1 s');
  return `${paint('dim', 'slowest now:')} ${ageOf(slowest)} ${nameOf(slowest.nodeid)} ${paint('dim', `(${nameOf(slowest.where)})`)}`;
}

/** Shows each agent with its xdist workers if there is room, otherwise one line per agent, otherwise as many agents as fit. */
function agentLines(agents: readonly AgentStatus[], rows: number, paint: Paint): readonly string[] {
  const all = agents.flatMap((agent) => withLanes(agent, agent.lanes.length, paint));
  if (all.length <= rows) return all;
  const each = Math.floor(rows / agents.length);
  // Room for the agent's line, one xdist worker and a count of the rest.
  if (each >= 3) return agents.flatMap((agent) => withLanes(agent, each - 1, paint));
  const lines = agents.map((agent) => agentLine(agent, paint));
  if (lines.length <= rows) return lines;
  const shown = Math.max(0, rows - 1);
  const more = agents.slice(shown);
  const busy = more.reduce((sum, { lanes }) => sum + lanes.filter(isBusy).length, 0);
  const workers = more.reduce((sum, agent) => sum + agent.workers, 0);
  const others = shown === 0 ? plural(more.length, 'agent') : `and ${plural(more.length, 'more agent')}`;
  return [...lines.slice(0, shown), paint('dim', `${others}: ${busy} of ${plural(workers, 'worker')} busy`)];
}

/** Shows at most `room` lines below the agent's own. */
function withLanes(agent: AgentStatus, room: number, paint: Paint): readonly string[] {
  const sorted = agent.lanes.toSorted((left, right) => inOrder(left.worker, right.worker));
  const shown = sorted.length <= room ? sorted : sorted.slice(0, room - 1);
  const more = sorted.slice(shown.length);
  const name = widest(shown.map(({ worker }) => nameOf(worker)));
  const age = Math.max(AGE_WIDTH, widest(shown.map(ageOf)));
  const rest = `  and ${plural(more.length, 'more worker')}, ${more.filter(isBusy).length} busy`;
  return [
    headLine(agent, paint),
    ...shown.map((lane) => laneLine(lane, { name, age }, paint)),
    ...(more.length === 0 ? [] : [paint('dim', rest)]),
  ];
}

function headLine({ id, host, workers, lanes }: AgentStatus, paint: Paint): string {
  const state = lanes.length === 0 ? `${plural(workers, 'worker')}, no test yet` : plural(workers, 'worker');
  return `${paint('bold', nameOf(id))} ${paint('dim', `on ${nameOf(host)}: ${state}`)}`;
}

function laneLine(lane: LaneStatus, columns: { readonly name: number; readonly age: number }, paint: Paint): string {
  const start = `  ${padded(nameOf(lane.worker), columns.name)} ${ageOf(lane).padStart(columns.age)}  `;
  return `${start}${lane.nodeid === null ? paint('dim', `idle for ${inMinutes(lane.seconds)}`) : nameOf(lane.nodeid)}`;
}

/** `a1 2 of 2 workers busy  12 s tests/test_a.py::test_long`. */
function agentLine({ id, workers, lanes }: AgentStatus, paint: Paint): string {
  const longest = longestOf(lanes);
  const now = longest === undefined ? '' : `  ${ageOf(longest)} ${nameOf(longest.nodeid)}`;
  return `${paint('bold', nameOf(id))} ${paint('dim', `${lanes.filter(isBusy).length} of ${plural(workers, 'worker')} busy`)}${now}`;
}

/** A lane whose xdist worker runs a test. */
type BusyLane = LaneStatus & { readonly nodeid: string };
const isBusy = <Some extends LaneStatus>(lane: Some): lane is Some & BusyLane => lane.nodeid !== null;
const ageOf = (lane: LaneStatus): string => (isBusy(lane) && lane.seconds >= LEAST_AGE_SECONDS ? inMinutes(lane.seconds) : '');

/** The lane whose test has run longest, if it has run long enough to show. */
const longestOf = <Some extends LaneStatus>(lanes: readonly Some[]): (Some & BusyLane) | undefined =>
  lanes
    .filter(isBusy)
    .filter(({ seconds }) => seconds >= LEAST_AGE_SECONDS)
    .toSorted((left, right) => right.seconds - left.seconds)[0];

/** Cuts a line to that width. A combining mark next to the cut may make the result wider than counted; then it cuts a little more. */
function fitted(line: string, width: number): string {
  for (let columns = width; columns > 0; columns -= 1) {
    const cut = cliTruncate(line, columns, { position: 'middle' });
    if (stringWidth(cut) <= width) return cut;
  }
  return '';
}

/** Replaces tabs, whose width depends on the terminal. */
const nameOf = (text: string): string => oneLine(text).replaceAll('\t', ' ');
