// Selects and sorts the rows that the page shows.

import { compareText } from '../../../shared/text/compare-text.ts';
import { fileOf, type Model, nodeidOf, statuses } from './model.ts';

export const orders = ['failures first', 'slowest first', 'by file', 'by start'] as const;
export type Order = (typeof orders)[number];

export interface Query {
  /** All of these words must occur in the node id or in the output of the test's attempts. Case does not matter. */
  readonly words: string;
  /** Indexes in `statuses`; empty for all. */
  readonly statuses: readonly number[];
  /** Only flaky tests, whatever their status. */
  readonly onlyFlaky: boolean;
  /** Only tests that failed and did not fail in the baseline. */
  readonly onlyNew: boolean;
  /** A file's index, or null for all. */
  readonly file: number | null;
  readonly agent: string | null;
  readonly order: Order;
  /** Leave out passed tests, unless the list is narrowed or in another order. Flaky tests stay. */
  readonly hidesPassed: boolean;
}

export const everything: Query = {
  words: '',
  statuses: [],
  onlyFlaky: false,
  onlyNew: false,
  file: null,
  agent: null,
  order: 'failures first',
  hidesPassed: false,
};

/** What the page shows first. In a finished run, few people look for a test that passed. */
export const firstQuery = ({ data }: Model): Query => ({ ...everything, hidesPassed: data.verdict !== 'running' });

/** True if the query narrows the list. */
export const isNarrowed = ({ statuses: chosen, onlyFlaky, onlyNew, words, file, agent }: Query): boolean =>
  chosen.length > 0 || onlyFlaky || onlyNew || words !== '' || file !== null || agent !== null;

const hidesPassed = (query: Query): boolean => query.hidesPassed && query.order === everything.order && !isNarrowed(query);

const PASSED = statuses.indexOf('passed');

/** Finds rows of one model. */
export interface Finder {
  find(query: Query): Int32Array;
  /** Builds the slow part of the first search in advance, so that it is ready when the user types. */
  prepare(): void;
}

export function createFinder(model: Model): Finder {
  const sorted = new Map<Order, Int32Array>();
  const inOrder = (order: Order): Int32Array => {
    const rows = sorted.get(order) ?? sort(model, order);
    sorted.set(order, rows);
    return rows;
  };
  let haystacks: readonly string[] = [];
  const prepare = (): void => {
    if (haystacks.length < model.count) haystacks = Array.from({ length: model.count }, (_, row) => searchable(model, row));
  };
  const find = (query: Query): Int32Array => {
    const words = query.words
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    const isHiding = hidesPassed(query);
    const isWanted = (row: number): boolean =>
      (!isHiding || model.status[row] !== PASSED || model.isFlaky[row] === 1) &&
      (query.statuses.length === 0 || query.statuses.includes(model.status[row] ?? -1)) &&
      (!query.onlyFlaky || model.isFlaky[row] === 1) &&
      (!query.onlyNew || model.isNewFailure[row] === 1) &&
      (query.file === null || model.file[row] === query.file) &&
      (query.agent === null || ranOn(model, row, query.agent)) &&
      words.every((word) => (haystacks[row] ?? '').includes(word));
    if (words.length > 0) prepare();
    return inOrder(query.order).filter(isWanted);
  };
  return { find, prepare };
}

function ranOn(model: Model, row: number, agent: string): boolean {
  for (let attempt = model.firstAttempt[row] ?? 0; attempt < (model.firstAttempt[row + 1] ?? 0); attempt += 1) {
    if (model.data.lanes[model.attempts.lane[attempt] ?? -1]?.[0] === agent) return true;
  }
  return false;
}

function searchable(model: Model, row: number): string {
  const parts = [nodeidOf(model, row), model.why.get(row) ?? ''];
  for (let attempt = model.firstAttempt[row] ?? 0; attempt < (model.firstAttempt[row + 1] ?? 0); attempt += 1) {
    parts.push(model.attempts.text.get(attempt) ?? '');
    for (const { title, text } of model.attempts.sections.get(attempt) ?? []) parts.push(title, text);
  }
  return parts.join('\n').toLowerCase();
}

function sort(model: Model, order: Order): Int32Array {
  const rows = Int32Array.from({ length: model.count }, (_, row) => row);
  switch (order) {
    case 'failures first':
      return rows.sort((left, right) => rank(model, left) - rank(model, right) || left - right);
    case 'slowest first':
      return rows.sort((left, right) => (model.ms[right] ?? 0) - (model.ms[left] ?? 0) || left - right);
    case 'by file': {
      const places = filePlaces(model);
      return rows.sort((left, right) => (places[model.file[left] ?? 0] ?? 0) - (places[model.file[right] ?? 0] ?? 0) || left - right);
    }
    case 'by start':
      return rows.sort((left, right) => startOf(model, left) - startOf(model, right) || left - right);
  }
}

/** Flaky tests sort after failures and before not-run entries. */
const rank = (model: Model, row: number): number => {
  const status = model.status[row] ?? 0;
  return status > 1 && model.isFlaky[row] === 1 ? 1.5 : status;
};

const startOf = (model: Model, row: number): number => {
  const first = model.firstAttempt[row] ?? 0;
  return first < (model.firstAttempt[row + 1] ?? 0) ? (model.attempts.startedAt[first] ?? 0) : Number.MAX_VALUE;
};

function filePlaces({ data }: Model): Int32Array {
  const places = new Int32Array(data.files.length);
  const byName = data.files.map((_, file) => file).sort((left, right) => compareText(data.files[left] ?? '', data.files[right] ?? ''));
  byName.forEach((file, place) => {
    places[file] = place;
  });
  return places;
}

export interface FileSummary {
  readonly file: number;
  readonly path: string;
  readonly tests: number;
  readonly failures: number;
  readonly ms: number;
}

/** Returns every file with a test that ran, the slowest first. */
export function slowestFiles(model: Model): readonly FileSummary[] {
  const files = model.data.files.map((path, file) => ({ file, path, tests: 0, failures: 0, ms: 0 }));
  for (let row = 0; row < model.data.tests.name.length; row += 1) {
    const summary = files[model.file[row] ?? -1];
    if (summary === undefined) throw new Error(`row ${row} has no file ${fileOf(model, row)}`);
    summary.tests += 1;
    summary.ms += model.ms[row] ?? 0;
    if ((model.status[row] ?? 0) < 2) summary.failures += 1;
  }
  return files.filter(({ tests }) => tests > 0).sort((left, right) => right.ms - left.ms);
}
