// Describes how two observations of one suite differ. Values only.

import type { JunitCase, Observation } from './observation.ts';
import type { Aspect } from './suite.ts';

export interface Difference {
  readonly aspect: Aspect;
  /** One line for each thing that differs. */
  readonly lines: readonly string[];
}

/** Aspects that are compared unless a suite documents a difference, or either side cannot show the aspect. */
export const ALWAYS: readonly Aspect[] = [
  'exit',
  'ids',
  'outcomes',
  'counts',
  'collect-errors',
  'deselected',
  'junit',
  'files',
  'reads',
  'warnings',
];

/** How `seen` differs from `truth`, aspect by aspect. */
export function differences(truth: Observation, seen: Observation, compared: readonly Aspect[]): Difference[] {
  return compared.flatMap((aspect) => {
    const lines = linesOf(aspect, truth, seen);
    return lines.length === 0 ? [] : [{ aspect, lines }];
  });
}

function linesOf(aspect: Aspect, truth: Observation, seen: Observation): string[] {
  switch (aspect) {
    case 'exit':
      return truth.exitCode === seen.exitCode ? [] : [`${exitOf(seen)} instead of ${exitOf(truth)}`];
    case 'ids':
      return unequal(idsOf(truth), idsOf(seen));
    case 'outcomes':
      return unequal(...common(truth, seen));
    case 'counts':
      return isEqual(truth.counts, seen.counts) ? [] : [`${countsOf(seen)} instead of ${countsOf(truth)}`];
    case 'collect-errors':
      return unequal(truth.collectErrors, seen.collectErrors);
    case 'deselected':
      return truth.deselected === null || seen.deselected === null ? [] : unequal([String(truth.deselected)], [String(seen.deselected)]);
    case 'junit':
      return truth.junit === null || seen.junit === null ? [] : unequal(casesOf(truth.junit), casesOf(seen.junit));
    case 'files':
      return unequal(truth.files, seen.files);
    case 'reads':
      return unequal(entriesOf(truth.reads), entriesOf(seen.reads));
    case 'warnings':
      return truth.warnings === null || seen.warnings === null ? [] : unequal(truth.warnings, seen.warnings);
    case 'cache':
      return unequal(entriesOf(truth.cache), entriesOf(seen.cache));
    case 'properties':
      return truth.properties === null || seen.properties === null ? [] : unequal(truth.properties, seen.properties);
  }
}

const exitOf = ({ exitCode }: Observation): string => (exitCode === null ? 'did not end' : `exit code ${exitCode}`);
const countsOf = ({ counts }: Observation): string =>
  Object.entries(counts)
    .flatMap(([outcome, count]) => (count === 0 ? [] : [`${count} ${outcome}`]))
    .join(', ') || 'nothing';
const isEqual = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const idsOf = ({ tests }: Observation): string[] => tests.map(({ id }) => id);
const entriesOf = (record: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(record).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);

/** Omits tests that were not run: plain pytest has no case for them, and shardline adds one on purpose. */
const casesOf = (cases: readonly JunitCase[]): string[] =>
  cases.filter(({ kind }) => kind !== 'not-run').map(({ classname, name, kind }) => `${kind} ${JSON.stringify(`${classname} :: ${name}`)}`);

/** The outcomes of the ids that both have equally often. The aspect `ids` reports the others. */
function common(truth: Observation, seen: Observation): [string[], string[]] {
  const there = tally(idsOf(truth));
  const here = tally(idsOf(seen));
  const of = ({ tests }: Observation): string[] =>
    tests.filter(({ id }) => there.get(id) === here.get(id)).map(({ id, outcome }) => `${outcome} ${id}`);
  return [of(truth), of(seen)];
}

function tally(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

/** Compares multisets: `- text` if the truth has more of it, `+ text` if `seen` has more. */
function unequal(truth: readonly string[], seen: readonly string[]): string[] {
  const [there, here] = [tally(truth), tally(seen)];
  const texts = [...new Set([...truth, ...seen])].sort();
  return texts.flatMap((text) => {
    const more = (here.get(text) ?? 0) - (there.get(text) ?? 0);
    if (more === 0) return [];
    return [`${more < 0 ? '-' : '+'} ${text}${Math.abs(more) === 1 ? '' : ` (${Math.abs(more)} times)`}`];
  });
}
