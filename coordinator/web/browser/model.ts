// The page's model of a run: typed columns with one row per test, not-run entry and file that could not be collected. Read-only once made.

import { outcomes } from '../../../shared/domain/outcome.ts';
import type { PageData } from '../page-data.ts';

/** A row's status: an outcome, or that there is none. */
export const statuses = ['failed', 'error', 'not run', 'xpassed', 'xfailed', 'skipped', 'passed'] as const;
export type Status = (typeof statuses)[number];

const statusOfOutcome: readonly number[] = outcomes.map((outcome) => statuses.indexOf(outcome));
const NOT_RUN = statuses.indexOf('not run');
const ERROR = statuses.indexOf('error');

export interface Attempts {
  readonly count: number;
  /** The row that an attempt belongs to. */
  readonly row: Int32Array;
  readonly lane: Int32Array;
  readonly startedAt: Float64Array;
  readonly ms: Float64Array;
  readonly status: Uint8Array;
  readonly text: ReadonlyMap<number, string>;
  readonly sections: ReadonlyMap<number, readonly { readonly title: string; readonly text: string }[]>;
}

export interface Model {
  readonly data: PageData;
  /** Rows are in the report's order: tests, then not-run entries, then collection errors. */
  readonly count: number;
  readonly name: readonly string[];
  readonly file: Int32Array;
  readonly line: Int32Array;
  /** Indexes in `statuses`. */
  readonly status: Uint8Array;
  readonly isFlaky: Uint8Array;
  /** The test failed, and did not fail in the baseline. */
  readonly isNewFailure: Uint8Array;
  /** Duration in milliseconds; the predicted one for a not-run entry. */
  readonly ms: Float64Array;
  /** A row's attempts are `firstAttempt[row]` up to, not including, `firstAttempt[row + 1]`. */
  readonly firstAttempt: Int32Array;
  readonly attempts: Attempts;
  /** Explains why a row has no attempt: the not-run reason, or the collection error. */
  readonly why: ReadonlyMap<number, string>;
  /** The properties that a row's test recorded, in order. */
  readonly properties: ReadonlyMap<number, readonly { readonly name: string; readonly value: string }[]>;
}

export function readModel(data: PageData): Model {
  const tests = data.tests.name.length;
  const count = tests + data.notRun.length + data.collectErrors.length;
  const name = [...data.tests.name, ...data.notRun.map(([each]) => each), ...data.collectErrors.map(([, , name]) => name)];
  const file = Int32Array.from([
    ...data.tests.file,
    ...data.notRun.map(([, place]) => place),
    ...data.collectErrors.map(([place]) => place),
  ]);
  const line = new Int32Array(count);
  line.set(data.tests.line);
  const status = new Uint8Array(count).fill(NOT_RUN, tests).fill(ERROR, tests + data.notRun.length);
  for (let test = 0; test < tests; test += 1) status[test] = statusOf(data.tests.outcome[test]);
  const isFlaky = new Uint8Array(count);
  for (const test of data.tests.flaky) isFlaky[test] = 1;
  const isNewFailure = new Uint8Array(count);
  for (const test of data.newFailures ?? []) isNewFailure[test] = 1;
  const ms = new Float64Array(count);
  ms.set(data.tests.ms);
  for (const [test, outcome, taken] of data.tests.reruns) {
    status[test] = statusOf(outcome);
    ms[test] = taken;
  }
  const why = new Map<number, string>();
  data.notRun.forEach(([, , reason, predictedMs], index) => {
    ms[tests + index] = predictedMs;
    why.set(tests + index, reason);
  });
  data.collectErrors.forEach(([, text], index) => {
    why.set(tests + data.notRun.length + index, data.texts[text] ?? '');
  });
  const firstAttempt = placeAttempts(data, count);
  return {
    data,
    count,
    name,
    file,
    line,
    status,
    isFlaky,
    isNewFailure,
    ms,
    firstAttempt,
    attempts: readAttempts(data, firstAttempt),
    why,
    properties: new Map(
      data.properties.map(([test, ...texts]) => [
        test,
        Array.from({ length: texts.length / 2 }, (_, index) => ({ name: texts[2 * index] ?? '', value: texts[2 * index + 1] ?? '' })),
      ]),
    ),
  };
}

function placeAttempts({ tests }: PageData, count: number): Int32Array {
  const others = new Map(tests.attempts);
  const firstAttempt = new Int32Array(count + 1);
  for (let row = 0, next = 0; row < count; row += 1) {
    next += row < tests.name.length ? (others.get(row) ?? 1) : 0;
    firstAttempt[row + 1] = next;
  }
  return firstAttempt;
}

function readAttempts({ attempts, texts, lanes, finishedAt }: PageData, firstAttempt: Int32Array): Attempts {
  const count = attempts.lane.length;
  const row = new Int32Array(count);
  for (let each = 0; each + 1 < firstAttempt.length; each += 1) row.fill(each, firstAttempt[each], firstAttempt[each + 1]);
  const textAt = (place: number | undefined): string => texts[place ?? -1] ?? '';
  const read = {
    count,
    row,
    lane: Int32Array.from(attempts.lane),
    startedAt: Float64Array.from(attempts.startedAt),
    ms: Float64Array.from(attempts.ms),
    status: Uint8Array.from(attempts.outcome, statusOf),
    text: new Map(attempts.text.map(([attempt, text]) => [attempt, textAt(text)])),
    sections: new Map(
      attempts.sections.map(([attempt, ...places]) => [
        attempt,
        Array.from({ length: places.length / 2 }, (_, index) => ({
          title: textAt(places[2 * index]),
          text: textAt(places[2 * index + 1]),
        })),
      ]),
    ),
  };
  setClocksRight(read, lanes, finishedAt);
  return read;
}

/** How many milliseconds a start may be outside the run before the page treats the agent's clock as wrong. */
const CLOCK_TOLERANCE_MS = 1000;

/**
 * Corrects wrong clocks. Start times come from the agents' clocks. If one is off, all of that agent's starts are shifted by the same amount
 * until they are inside the run.
 */
function setClocksRight(attempts: Attempts, lanes: PageData['lanes'], finishedAt: number): void {
  const spans = new Map<string, { first: number; last: number }>();
  for (let attempt = 0; attempt < attempts.count; attempt += 1) {
    const agent = lanes[attempts.lane[attempt] ?? -1]?.[0] ?? '';
    const startedAt = attempts.startedAt[attempt] ?? 0;
    if (!ran(attempts, attempt)) continue;
    const span = spans.get(agent) ?? { first: startedAt, last: startedAt };
    spans.set(agent, { first: Math.min(span.first, startedAt), last: Math.max(span.last, startedAt + (attempts.ms[attempt] ?? 0)) });
  }
  for (let attempt = 0; attempt < attempts.count; attempt += 1) {
    const span = spans.get(lanes[attempts.lane[attempt] ?? -1]?.[0] ?? '');
    if (span === undefined) continue;
    const late = span.last - finishedAt;
    const early = -span.first;
    const shift = late > CLOCK_TOLERANCE_MS ? -late : early > CLOCK_TOLERANCE_MS ? early : 0;
    attempts.startedAt[attempt] = (attempts.startedAt[attempt] ?? 0) + shift;
  }
}

/** False for a test that was announced and never reported back: its time is unknown. */
export const ran = (attempts: Attempts, attempt: number): boolean => (attempts.ms[attempt] ?? 0) > 0 || attempts.status[attempt] !== ERROR;

const statusOf = (outcome: number | undefined): number => statusOfOutcome[outcome ?? -1] ?? ERROR;

export const fileOf = (model: Model, row: number): string => model.data.files[model.file[row] ?? -1] ?? '';

export function nodeidOf(model: Model, row: number): string {
  const name = model.name[row] ?? '';
  return name === '' ? fileOf(model, row) : `${fileOf(model, row)}::${name}`;
}

/** The address of a row in the page: stable, so that it can be sent to others. */
export const anchorOf = (model: Model, row: number): string => encodeURIComponent(nodeidOf(model, row));

/** The row with this address; null if there is none. */
export function rowAt(model: Model, anchor: string): number | null {
  for (let row = 0; row < model.count; row += 1) if (anchorOf(model, row) === anchor) return row;
  return null;
}

export const statusWord = (model: Model, row: number): Status => statuses[model.status[row] ?? -1] ?? 'error';

/** Returns a row's attempts in the order in which they ran. */
export const attemptsOf = (model: Model, row: number): readonly number[] => {
  const first = model.firstAttempt[row] ?? 0;
  return Array.from({ length: (model.firstAttempt[row + 1] ?? first) - first }, (_, index) => first + index);
};

/** Strips the run id, with which the run's own agents prefix their names. */
export const agentName = ({ data }: Model, agent: string): string =>
  agent.startsWith(`${data.runId}-`) ? agent.slice(data.runId.length + 1) : agent;

/** Returns the agent and xdist worker of an attempt, like `a1 gw0`. */
export function laneName(model: Model, attempt: number): string {
  const [agent = '', worker = ''] = model.data.lanes[model.attempts.lane[attempt] ?? -1] ?? [];
  const name = agentName(model, agent);
  return worker === '' ? name : `${name} ${worker}`;
}
