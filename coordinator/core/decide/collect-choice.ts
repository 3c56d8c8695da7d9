// Decides how to collect a suite: by file only if earlier runs show that this gives plain pytest's tests. Any doubt means the whole list.

import type { TestFile } from '../../../shared/domain/ids.ts';
import type { Census, FileCensus } from '../../../shared/domain/suite/census.ts';
import type { CollectChoice, CollectMode } from '../../../shared/domain/suite/suite-list.ts';

export interface CollectQuestion {
  readonly asked: CollectChoice;
  /** Why this pytest with these options needs the whole list; null if it does not. */
  readonly unstreamable: string | null;
  /** True if arguments name single tests. */
  readonly namesTests: boolean;
  /** Census of an earlier run under the same key; null without one. */
  readonly census: Census | null;
  /** SHA-256 of each discovered file as it is now. */
  readonly contents: ReadonlyMap<TestFile, string>;
}

export interface CollectDecision {
  readonly mode: CollectMode;
  /** Why the whole list is collected although the user did not ask for it; null otherwise. */
  readonly why: string | null;
  /** Advice to the user about `why`; null if there is none. */
  readonly advice: string | null;
  /** Digests of the tests in each file that has not changed since the census. */
  readonly digests: ReadonlyMap<TestFile, string>;
}

export function decideCollect(question: CollectQuestion): CollectDecision {
  const { asked, census, contents } = question;
  const digests = unchanged(census?.files ?? new Map(), contents);
  if (asked !== 'auto') return { mode: asked, why: null, advice: null, digests };
  const whole = whyWhole(question);
  return { mode: whole === null ? 'file' : 'suite', why: whole?.why ?? null, advice: whole?.advice ?? null, digests };
}

/**
 * This many files may be new or changed before the whole list is collected again; in a large suite, this share of its files. None where
 * tests need what other files import: a changed file could pass only because a worker imports its companions first.
 */
const UNSEEN_FILES = 10;
const UNSEEN_SHARE = 0.05;

/** Every new selection of tests has a first run, so that this reason is worth a line only with `-v`. */
export const FIRST_RUN = 'first run with these conftest files, plugins and options';

const LATER = 'Later runs collect each file once where that is safe. No action needed.';
const INDEPENDENT = 'To collect each file once, make the files independent of each other';
const HARMLESS = 'To collect each file once, name hooks that treat each test alone: --harmless-hooks tests/conftest.py';

function whyWhole(question: CollectQuestion): (Pick<CollectDecision, 'advice'> & { readonly why: string }) | null {
  const { unstreamable, namesTests, census, contents } = question;
  if (unstreamable !== null) return { why: unstreamable, advice: null };
  if (namesTests) return { why: 'single tests are named', advice: null };
  if (census === null) return { why: FIRST_RUN, advice: LATER };
  if (census.inseparable !== null) return { why: census.inseparable, advice: INDEPENDENT };
  if (census.uncollected !== null) {
    return { why: `${census.uncollected} could not be collected in the last run`, advice: 'Fix that error to collect each file once' };
  }
  const unseen = contents.size - unchanged(census.files, contents).size;
  const mostUnseen = census.companions.length > 0 ? 0 : Math.max(UNSEEN_FILES, UNSEEN_SHARE * contents.size);
  if (unseen > mostUnseen)
    return {
      why: `${unseen === 1 ? '1 file is new or has' : `${unseen} files are new or have`} changed since it was last collected`,
      advice: LATER,
    };
  const [first] = census.problems;
  if (first === undefined) return null;
  return { why: census.problems.length === 1 ? first : `${first} (and ${census.problems.length - 1} more)`, advice: HARMLESS };
}

const unchanged = (files: ReadonlyMap<TestFile, FileCensus>, contents: ReadonlyMap<TestFile, string>): ReadonlyMap<TestFile, string> =>
  new Map([...files].flatMap(([file, { content, digest }]) => (contents.get(file) === content ? [[file, digest] as const] : [])));
