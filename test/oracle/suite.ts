// The `oracle.json` of an oracle folder, beside the suite's own files. README.md describes it.

import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { plugins } from './plugins.ts';

/** The aspects in which two ways of running are compared. `cache` and `properties` are compared only if a suite asks for them. */
export const aspects = [
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
  'cache',
  'properties',
] as const;
export type Aspect = (typeof aspects)[number];

/** Groups of ways, for documented differences: `xdist` is `pytest -n 2`, `shardline` is every way of shardline, `fleet` is those with two agents. */
const wayGroups = ['xdist', 'shardline', 'fleet'] as const;
export type WayGroup = (typeof wayGroups)[number];

const count = z.number().int().nonnegative();

const step = z.strictObject({
  /** Paths and node ids. */
  targets: z.array(z.string()).default([]),
  /** Arguments for pytest, which shardline gets after `--`. */
  args: z.array(z.string()).default([]),
  /** Files written before the step: path → text. */
  write: z.record(z.string(), z.string()).default({}),
  /** The result of plain pytest in a fresh copy. It is checked, so that the suite is known to show its fault. A generated suite has none. */
  right: z
    .strictObject({
      exit: count,
      /** The number of tests by outcome; 0 for a missing outcome. */
      counts: z.record(z.string(), count),
      collectErrors: z.array(z.string()).default([]),
    })
    .optional(),
});

const schema = z.strictObject({
  /** The right result in one sentence, which is also the title of the test. */
  title: z.string(),
  /** Steps run one after the other in one directory. */
  steps: z.array(step).min(1),
  env: z.record(z.string(), z.string()).default({}),
  /** The working directory, relative to the folder. */
  cwd: z.string().default('.'),
  /** `module` for suites that people start with `python -m pytest`, which puts the current directory on sys.path. */
  launch: z.enum(['pytest', 'module']).default('pytest'),
  /** Whether `npm test` also runs it with two agents. */
  fleet: z.boolean().default(false),
  /** Whether `npm test` runs it twice in one directory, because the memory or the order of the first run may affect the second. */
  again: z.boolean().default(false),
  /** The plugins of test/environments/oracle.txt that the suite needs. Without any, it runs in the repository's own environment. */
  plugins: z.array(z.enum(plugins)).default([]),
  /** False if the suite itself sets the path of pytest's JUnit file. */
  junit: z.boolean().default(true),
  /** Files that must have the same contents: a JUnit file, lines in any order, a field of a JSON file, or the number of files that a glob matches. */
  reads: z
    .array(z.strictObject({ path: z.string(), as: z.enum(['junit', 'lines', 'json', 'count']), field: z.string().optional() }))
    .default([]),
  /** Globs of files that are not compared, besides those of shardline and the caches of pytest and Python. */
  ignore: z.array(z.string()).default([]),
  /** Further aspects to compare. */
  also: z.array(z.enum(['cache', 'properties'])).default([]),
  /** Documented differences from plain pytest. */
  differs: z.array(z.strictObject({ aspects: z.array(z.enum(aspects)), in: z.array(z.enum(wayGroups)), why: z.string() })).default([]),
});

export type SuiteFile = z.infer<typeof schema>;
export type Step = SuiteFile['steps'][number];
export type Read = SuiteFile['reads'][number];

/** `oracle.json` before defaults are filled in. */
export type GivenSuite = z.input<typeof schema>;

export interface OracleSuite extends SuiteFile {
  readonly name: string;
  readonly folder: string;
}

/** Reads the folder's `oracle.json`. Throws with its path if it is missing or invalid. */
export function readSuite(folder: string): OracleSuite {
  const path = join(folder, 'oracle.json');
  if (!existsSync(path)) throw new Error(`${path} does not exist. Fix: write one; test/oracle/README.md lists its fields`);
  const read = schema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!read.success) throw new Error(`${path}: ${z.prettifyError(read.error)}`);
  return { ...read.data, name: basename(folder), folder };
}
