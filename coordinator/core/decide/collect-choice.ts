// How a suite is collected: by file only where everything shows that this gives the tests of plain pytest. A doubt means the whole list.

import type { Census, FileCensus } from '../../../shared/domain/census.ts';
import type { TestFile } from '../../../shared/domain/ids.ts';
import type { CollectChoice, CollectMode } from '../../../shared/domain/suite-list.ts';

export interface CollectQuestion {
  readonly asked: CollectChoice;
  /** Why this pytest with these options needs the whole list; null where it does not. */
  readonly unstreamable: string | null;
  /** Do arguments name single tests? */
  readonly namesTests: boolean;
  /** What an earlier run has shown under the same key; null without one. */
  readonly census: Census | null;
  /** SHA-256 of each discovered file now. */
  readonly contents: ReadonlyMap<TestFile, string>;
}

export interface CollectDecision {
  readonly mode: CollectMode;
  /** Why the whole list is collected, where the user does not ask for it; null otherwise. */
  readonly why: string | null;
  /** Of files that have not changed since the census: what they hold. */
  readonly digests: ReadonlyMap<TestFile, string>;
}

export function decideCollect(question: CollectQuestion): CollectDecision {
  const { asked, census, contents } = question;
  const digests = unchanged(census?.files ?? new Map(), contents);
  if (asked !== 'auto') return { mode: asked, why: null, digests };
  const why = whyWhole(question);
  return { mode: why === null ? 'file' : 'suite', why, digests };
}

/** So many files may be new, or have changed, before the whole list is collected again; of a large suite, this share of its files. */
const UNSEEN_FILES = 10;
const UNSEEN_SHARE = 0.05;

function whyWhole({ unstreamable, namesTests, census, contents }: CollectQuestion): string | null {
  if (unstreamable !== null) return unstreamable;
  if (namesTests) return 'single tests are named';
  if (census === null) return 'this is the first run with these conftest files, plugins and options';
  if (census.inseparable !== null) return census.inseparable;
  if (census.uncollected !== null) return `${census.uncollected} could not be collected in the last run`;
  const unseen = contents.size - unchanged(census.files, contents).size;
  if (unseen > Math.max(UNSEEN_FILES, UNSEEN_SHARE * contents.size))
    return `${unseen} files are new or have changed since it was last collected`;
  const [first] = census.problems;
  if (first === undefined) return null;
  return census.problems.length === 1 ? first : `${first} (and ${census.problems.length - 1} more)`;
}

const unchanged = (files: ReadonlyMap<TestFile, FileCensus>, contents: ReadonlyMap<TestFile, string>): ReadonlyMap<TestFile, string> =>
  new Map([...files].flatMap(([file, { content, digest }]) => (contents.get(file) === content ? [[file, digest] as const] : [])));
