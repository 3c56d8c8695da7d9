// Proves that the reports of parts belong to one run of one suite and cover it: every file in exactly one part, and every part there.

import { compareFingerprints } from '../../../shared/domain/fingerprint.ts';
import type { TestFile } from '../../../shared/domain/ids.ts';
import type { ReportedPart } from '../../../shared/domain/part.ts';
import type { Report, ReportedFingerprint } from '../../../shared/domain/report.ts';
import { compareText } from '../../../shared/text/compare-text.ts';
import { plural } from '../../../shared/text/safe-text.ts';

export interface ProvenParts {
  /** The last attempt of each part, by index; all reports if they are no parts. */
  readonly counted: readonly Report[];
  /** Earlier attempts of the same parts. */
  readonly earlier: readonly Report[];
  /** What is missing from the proof, as messages; empty if the parts are whole. */
  readonly problems: readonly string[];
}

/** Files that one message names. */
const NAMED = 3;

type PartReport = Report & { readonly part: ReportedPart };

export function proveParts(reports: readonly Report[]): ProvenParts {
  const parts = reports.filter((report): report is PartReport => report.part !== null);
  const [first] = parts;
  if (first === undefined) return { counted: reports, earlier: [], problems: [] };
  const others = reports.filter((report) => report.part === null);
  const lasts = lastAttempts(parts);
  const problems = [
    ...others.map(({ runId }) => `run ${runId} is not a part: it was started without --shard`),
    ...repeated(lasts),
    ...missing(lasts, first.part.total),
    ...lasts.slice(1).flatMap((report) => differences(lasts[0] ?? first, report)),
    ...uncovered(lasts),
  ];
  return { counted: [...lasts, ...others], earlier: parts.filter((report) => !lasts.includes(report)), problems };
}

function lastAttempts(parts: readonly PartReport[]): readonly PartReport[] {
  const latest = new Map<number, number>();
  for (const { part } of parts) latest.set(part.index, Math.max(part.attempt, latest.get(part.index) ?? 0));
  return parts.filter(({ part }) => part.attempt === latest.get(part.index)).toSorted((left, right) => left.part.index - right.part.index);
}

const named = ({ part: { index, total } }: PartReport): string => `part ${index} of ${total}`;

function repeated(parts: readonly PartReport[]): readonly string[] {
  return [...Map.groupBy(parts, ({ part }) => part.index).values()].flatMap((copies) => {
    const [first] = copies;
    if (first === undefined || copies.length === 1) return [];
    return [`${named(first)} is there ${copies.length} times: runs ${copies.map(({ runId }) => runId).join(', ')}`];
  });
}

function missing(parts: readonly PartReport[], total: number): readonly string[] {
  const there = new Set(parts.map(({ part }) => part.index));
  const indexes = Array.from({ length: total }, (_, place) => place + 1).filter((index) => !there.has(index));
  return indexes.map((index) => `part ${index} of ${total} is missing`);
}

function differences(first: PartReport, other: PartReport): readonly string[] {
  const say = (what: string): string => `${named(other)} differs: ${what}`;
  const [mine, theirs, owner] = [first.part, other.part, named(first)];
  // A part whose deadline passed before discovery ended does not know its suite; its tests are reported as not run.
  if (mine.digest === '' || theirs.digest === '') return [];
  const plan = [
    ...(mine.total === theirs.total ? [] : [`it is one of ${theirs.total} parts`]),
    ...(sameList(mine.pytestArgs, theirs.pytestArgs)
      ? []
      : [`other arguments (${theirs.pytestArgs.join(' ')}; ${owner} has ${mine.pytestArgs.join(' ')})`]),
    ...(mine.collect === theirs.collect ? [] : [`another --collect (${theirs.collect}; ${owner} has ${mine.collect})`]),
    ...differingFiles(mine.files, theirs.files, owner),
  ];
  return [...plan, ...differingWorkspaces(first.fingerprint, other.fingerprint, owner)].map(say);
}

const sameList = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((text, index) => text === right[index]);

function differingFiles(mine: readonly TestFile[], theirs: readonly TestFile[], owner: string): readonly string[] {
  const [here, there] = [new Set(theirs), new Set(mine)];
  const more = theirs.filter((file) => !there.has(file));
  const less = mine.filter((file) => !here.has(file));
  return [
    ...(more.length > 0 ? [`it has ${list(more)}, and ${owner} has not`] : []),
    ...(less.length > 0 ? [`it has no ${list(less)} (${owner} has)`] : []),
  ];
}

function differingWorkspaces(mine: ReportedFingerprint | null, theirs: ReportedFingerprint | null, owner: string): readonly string[] {
  if (mine === null || theirs === null) return mine === theirs ? [] : ['the workspace of one of them is unknown'];
  // The parts ran at different times, so that even the same directory may have changed.
  const whole = (print: ReportedFingerprint, place: string) => ({
    files: print.files === null ? null : { ...print.files, place },
    python: print.python === null ? null : { ...print.python, packages: {} },
  });
  return compareFingerprints(whole(mine, 'first'), whole(theirs, 'other'), owner).refused;
}

function uncovered(parts: readonly PartReport[]): readonly string[] {
  const holders = new Map<TestFile, PartReport[]>();
  for (const report of parts) for (const file of report.part.own) holders.set(file, [...(holders.get(file) ?? []), report]);
  const all = new Set(parts.flatMap(({ part }) => part.files));
  const nowhere = [...all].filter((file) => !holders.has(file)).sort(compareText);
  const twice = [...holders].filter(([, holding]) => new Set(holding.map(({ part }) => part.index)).size > 1).map(([file]) => file);
  return [
    ...(nowhere.length > 0 ? [`${list(nowhere)} ${nowhere.length === 1 ? 'is' : 'are'} in no part`] : []),
    ...(twice.length > 0 ? [`${list(twice.sort(compareText))} ${twice.length === 1 ? 'is' : 'are'} in more than one part`] : []),
  ];
}

/** `a.py`, or `a.py, b.py, c.py and 4 more files`. */
function list(files: readonly TestFile[]): string {
  const more = files.length - NAMED;
  return `${files.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${plural(more, 'more file')}` : ''}`;
}
