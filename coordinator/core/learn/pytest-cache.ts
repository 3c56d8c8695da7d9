// Computes the values that plain pytest's cacheprovider and stepwise plugins would have written to its cache after a run.

import { isFailure, type Outcome } from '../../../shared/domain/outcome.ts';
import type { CacheValues, Stepwise, StepwiseValue } from '../../../shared/domain/suite/pytest-cache.ts';

/** One run as pytest's cache sees it, in the order of pytest's list. */
export interface CachedRun {
  /** Collected files, each with its selected tests. */
  readonly files: readonly { readonly file: string; readonly nodeids: readonly string[] }[];
  /** Files and directories that could not be collected. */
  readonly collectErrors: readonly string[];
  /** null if the test did not run. */
  readonly outcomeOf: (nodeid: string) => Outcome | null;
  readonly stepwise: Stepwise | null;
  /** Number of tests before `--sw` deselected any; null if unknown. */
  readonly testCount: number | null;
  /** Local time in the format of Python's `datetime.isoformat`. */
  readonly now: string;
}

/** The next values; `stepwise` is undefined if pytest keeps the old one. */
export interface NextCache {
  readonly lastfailed: readonly string[];
  readonly nodeids: readonly string[];
  readonly stepwise: StepwiseValue | undefined;
}

export function nextCache(old: CacheValues, run: CachedRun): NextCache {
  const nodeids = new Set([...old.nodeids, ...run.files.flatMap((each) => each.nodeids)]);
  return {
    lastfailed: nextLastfailed(old.lastfailed, run),
    nodeids: [...nodeids].sort(compareCodePoints),
    stepwise: run.stepwise === null ? undefined : nextStepwise(old.stepwise, run, run.stepwise),
  };
}

/** Keeps entries of tests that did not run. The order is that of pytest's Python dict and matters only for byte-for-byte equality. */
function nextLastfailed(old: readonly string[], run: CachedRun): readonly string[] {
  const failed = new Set(old);
  if (failed.size > 0) reopenCollected(failed, run.files);
  for (const id of run.collectErrors) failed.add(id);
  for (const nodeid of run.files.flatMap((each) => each.nodeids)) {
    const outcome = run.outcomeOf(nodeid);
    if (outcome === null) continue;
    if (isFailure(outcome)) failed.add(nodeid);
    else failed.delete(nodeid);
  }
  return [...failed];
}

/**
 * Replaces each file, class or directory that failed to collect before, and is collected now, by its direct children. pytest reports a
 * collector after its children, so a class of such a file becomes an entry of its own.
 */
function reopenCollected(failed: Set<string>, files: CachedRun['files']): void {
  const { children, roots } = collectors(files);
  const visit = (id: string): void => {
    const inside = children.get(id) ?? [];
    for (const child of inside) visit(child);
    if (!children.has(id) || !failed.delete(id)) return;
    for (const child of inside) failed.add(child);
  };
  for (const root of roots) visit(root);
}

interface Collectors {
  /** Direct children of each directory, file and class, in order. */
  readonly children: ReadonlyMap<string, ReadonlySet<string>>;
  readonly roots: ReadonlySet<string>;
}

function collectors(files: CachedRun['files']): Collectors {
  const children = new Map<string, Set<string>>();
  const roots = new Set<string>();
  const add = (chain: readonly string[]): void =>
    chain.forEach((id, index) => {
      const parent = chain[index - 1];
      if (parent === undefined) roots.add(id);
      else children.set(parent, (children.get(parent) ?? new Set()).add(id));
    });
  for (const { file, nodeids } of files) {
    const directories = prefixes(file, '/');
    add(directories);
    if (!children.has(file)) children.set(file, new Set());
    for (const nodeid of nodeids) add([...directories, ...testChain(file, nodeid)]);
  }
  return { children, roots };
}

/** Splits `a/b/c` into `a`, `a/b` and `a/b/c`. */
const prefixes = (path: string, separator: string): readonly string[] => {
  const parts = path.split(separator);
  return parts.map((_, index) => parts.slice(0, index + 1).join(separator));
};

/** The test's classes and then the test. Parameters may contain `::` too. */
function testChain(file: string, nodeid: string): readonly string[] {
  if (!nodeid.startsWith(`${file}::`)) return [nodeid];
  const [names = '', ...parameters] = nodeid.slice(file.length + 2).split('[');
  const chain = prefixes(names, '::').map((name) => `${file}::${name}`);
  return parameters.length === 0 ? chain : [...chain.slice(0, -1), nodeid];
}

/** Walks the tests in order up to the failure at which pytest stops. */
function nextStepwise(old: StepwiseValue, run: CachedRun, { skip, reset }: Stepwise): StepwiseValue {
  const known = typeof old === 'string' || old === null ? { last_failed: old, last_test_count: null } : old;
  const isStale = known.last_test_count !== null && run.testCount !== null && known.last_test_count !== run.testCount;
  let lastFailed = reset || isStale ? null : known.last_failed;
  let toSkip = skip;
  // pytest never passes a test without running it, so the next run must not deselect this one as passed.
  let firstNotRun: string | null = null;
  for (const nodeid of run.files.flatMap((each) => each.nodeids)) {
    const outcome = run.outcomeOf(nodeid);
    if (outcome === null) {
      firstNotRun ??= nodeid;
      continue;
    }
    if (isFailure(outcome) && !toSkip) {
      lastFailed = firstNotRun ?? nodeid;
      break;
    }
    if (isFailure(outcome)) toSkip = false;
    // A skip during set-up runs nothing, so pytest keeps the entry.
    if (nodeid === lastFailed && outcome !== 'skipped') lastFailed = null;
  }
  return { last_failed: lastFailed, last_test_count: run.testCount, last_cache_date_str: run.now };
}

/** Compares strings in Python's order, which differs from JavaScript's for characters beyond U+FFFF. */
export function compareCodePoints(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    if (left.charCodeAt(index) === right.charCodeAt(index)) continue;
    return orderOf(left.charCodeAt(index)) - orderOf(right.charCodeAt(index));
  }
  return left.length - right.length;
}

/** Sorts surrogates, which encode code points beyond U+FFFF, after all other units. */
const orderOf = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit);
