// Proves that the reports of parts belong to one run of one suite and cover it: every file in exactly one part, and every part there.

import type { TestFile } from '../../../../shared/domain/ids.ts';
import type { ReportedList, ReportedPart } from '../../../../shared/domain/part.ts';
import type { Report, ReportedFingerprint } from '../../../../shared/domain/report.ts';
import { compareFingerprints, type FilesPrint } from '../../../../shared/domain/suite/fingerprint.ts';
import { compareText } from '../../../../shared/text/compare-text.ts';
import { inWords, plural } from '../../../../shared/text/safe-text.ts';
import { coverageFindings } from '../coverage.ts';

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

/** `unreadable`: what is wrong with the sources that could not be read, as messages. */
export function proveParts(reports: readonly Report[], unreadable: readonly string[] = []): ProvenParts {
  const parts = reports.filter(isPart);
  const lasts = lastAttempts(parts);
  // A part whose deadline passed before discovery ended does not know its suite; its tests are reported as not run.
  const reference = lasts.find((report) => knowsSuite(report) && report.tests.length > 0) ?? lasts.find(knowsSuite) ?? lasts[0];
  if (reference === undefined) return { counted: reports, earlier: [], problems: unreadable };
  const others = reports.filter((report) => report.part === null);
  const problems = [
    ...others.map(({ runId }) => `run ${runId} is not a part: it was started without --shard`),
    // It may be the last attempt of a part.
    ...unreadable,
    ...repeated(lasts),
    ...missing(lasts, reference.part.total),
    ...lasts.flatMap(unended),
    ...lasts.filter((report) => report !== reference).flatMap((report) => differences(reference, report)),
    ...differingLists(lasts),
    ...uncovered(lasts),
  ];
  return { counted: [...lasts, ...others], earlier: parts.filter((report) => !lasts.includes(report)), problems };
}

/** The reports that a merge counts: the last attempt of each part, or all if they are no parts. */
export const isCounted = (reports: readonly Report[]): ((report: Report) => boolean) => {
  const lasts = new Set<Report>(lastAttempts(reports.filter(isPart)));
  return (report) => report.part === null || lasts.has(report);
};

const isPart = (report: Report): report is PartReport => report.part !== null;

const knowsSuite = ({ part }: PartReport): boolean => part.digest !== '';

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
    const times = copies.length === 2 ? 'twice' : `${copies.length} times`;
    return [`found ${named(first)} ${times}: runs ${inWords(copies.map(({ runId }) => runId))}`];
  });
}

function missing(parts: readonly PartReport[], total: number): readonly string[] {
  const there = new Set(parts.map(({ part }) => part.index));
  const indexes = Array.from({ length: total }, (_, place) => place + 1).filter((index) => !there.has(index));
  return indexes.map((index) => `part ${index} of ${total} is missing`);
}

/** A part that stopped early may lack tests that its report does not name. */
function unended(report: PartReport): readonly string[] {
  const { exitCode, notRun, missingMessages } = report;
  if (exitCode === 2 || notRun.some(({ reason }) => reason === 'cancelled'))
    return [`${named(report)} stopped early (killed, interrupted, or --sw)`];
  if (exitCode === 3 || exitCode === 4) return [`${named(report)} ended with an error of shardline (exit ${exitCode})`];
  // Tests that could not run, missing messages and missing coverage are reported as such.
  const isExplained = notRun.length > 0 || missingMessages.length > 0 || coverageFindings([report.coverage]).isPartial;
  return exitCode === 11 && !isExplained ? [`${named(report)} is incomplete (exit 11)`] : [];
}

function differences(first: PartReport, other: PartReport): readonly string[] {
  const [mine, theirs, owner] = [first.part, other.part, named(first)];
  const plan = [
    ...(mine.total === theirs.total ? [] : [`it is one of ${theirs.total} parts`]),
    ...(sameList(mine.pytestArgs, theirs.pytestArgs)
      ? []
      : [`other arguments (${theirs.pytestArgs.join(' ')}; ${owner} has ${mine.pytestArgs.join(' ')})`]),
    ...(mine.addopts === theirs.addopts
      ? []
      : [`another PYTEST_ADDOPTS (${theirs.addopts || 'unset'}; ${owner} has ${mine.addopts || 'it unset'})`]),
    ...(mine.collect === theirs.collect ? [] : [`another --collect (${theirs.collect}; ${owner} has ${mine.collect})`]),
    ...(knowsSuite(first) && knowsSuite(other) ? differingFiles(mine.files, theirs.files, owner) : []),
  ];
  return [
    ...[...plan, ...differingWorkspaces(first, other)].map((what) => `${named(other)} differs: ${what}`),
    ...uncompared(first, other),
  ];
}

/** With `--collect suite`, every part collects the whole list. Where parts collect only their own files, no two have a list in common. */
function differingLists(parts: readonly PartReport[]): readonly string[] {
  const [first, ...others] = parts.filter(({ part }) => part.list !== null);
  const mine = first?.part.list ?? null;
  if (first === undefined || mine === null) return [];
  const words = ({ tests, digest }: ReportedList): string => `${plural(tests, 'test')}, digest ${digest}`;
  return others.flatMap((other) => {
    const theirs = other.part.list ?? mine;
    if (theirs.tests === mine.tests && theirs.digest === mine.digest) return [];
    return [`${named(other)} differs: it collected other tests (${words(theirs)}; ${named(first)} has ${words(mine)})`];
  });
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

function differingWorkspaces(first: PartReport, other: PartReport): readonly string[] {
  const [mine, theirs] = [first.fingerprint, other.fingerprint];
  if (mine === null || theirs === null) return [];
  // The parts ran at different times, so that even the same directory may have changed.
  const whole = (print: ReportedFingerprint, place: string) => ({
    files: print.files === null ? null : { ...print.files, place },
    python: print.python === null ? null : { ...print.python, packages: {} },
  });
  return compareFingerprints(whole(mine, 'first'), whole(theirs, 'other'), named(first)).refused;
}

/** What could not be compared proves nothing, unless the user said so for both. A part that ran no test has nothing to prove. */
function uncompared(first: PartReport, other: PartReport): readonly string[] {
  const isWaived = first.part.fingerprintPolicy !== 'strict' && first.part.fingerprintPolicy === other.part.fingerprintPolicy;
  if (isWaived || first.tests.length === 0 || other.tests.length === 0) return [];
  const [mine, theirs] = [first.fingerprint, other.fingerprint];
  const lacks = [
    ...(haveComparable(mine?.files ?? null, theirs?.files ?? null) ? [] : ['the files']),
    ...((mine?.python ?? null) === null || (theirs?.python ?? null) === null ? ['the Python'] : []),
  ];
  return lacks.map(
    (what) => `could not compare ${what} of ${named(other)} with ${named(first)}; --fingerprint warn in all parts accepts this`,
  );
}

function haveComparable(mine: FilesPrint | null, theirs: FilesPrint | null): boolean {
  if (mine === null || theirs === null) return false;
  return (mine.git !== null && theirs.git !== null) || (mine.contents !== null && theirs.contents !== null);
}

function uncovered(parts: readonly PartReport[]): readonly string[] {
  const holders = new Map<TestFile, PartReport[]>();
  for (const report of parts) for (const file of report.part.own) holders.set(file, [...(holders.get(file) ?? []), report]);
  const all = new Set(parts.flatMap(({ part }) => part.files));
  // The rest belongs to a part that does not know its files, and reports them as not run.
  const hasUnknown = parts.some((report) => !knowsSuite(report) && report.notRun.length > 0);
  const nowhere = hasUnknown ? [] : [...all].filter((file) => !holders.has(file)).sort(compareText);
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
